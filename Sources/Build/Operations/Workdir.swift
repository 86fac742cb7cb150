internal import Frontend
internal import Linux
internal import OCI
internal import SystemPackage

// WORKDIR: a layer with the directory and its missing parents.

extension StageBuilder {
    mutating func workdir(_ workdir: Instruction.Workdir, from source: StepSource) async throws {
        let path = try CopyPlan.absolute(try scope.expand(workdir.path), in: workingDirectory)
        draft.document.workingDirectory = path.description
        if path.isRoot { return note("WORKDIR /") }
        let stage = self
        func add(to start: StepFingerprint) -> StepFingerprint {
            var key = start
            key.add("the path", path.description)
            key.add("USER", stage.user)
            return key
        }
        var known: CopyPlan?
        func plan() async throws -> CopyPlan {
            if let known { return known }
            let made = try await stage.plan(workdir: path)
            known = made
            return made
        }
        let fingerprint = add(to: StepFingerprint("workdir", on: self))
        let planned = add(to: StepFingerprint("workdir by its plan", on: [Layer](), epoch: shared.epoch ?? 0))
        let keys: [() async throws -> StepFingerprint] = [
            { fingerprint },
            {
                var key = planned
                try await plan().add(to: &key, epoch: stage.newestTime(in: plan()))
                return key
            },
        ]
        try await step(source, history: "WORKDIR \(path)", keys: keys) {
            try await stage.write(try await plan(), from: ImageSource(image: stage.image, tree: FileTree())).step
        }
    }

    private func plan(workdir path: ImagePath) async throws -> CopyPlan {
        let tree = try await shared.trees.tree(of: image)
        if tree.isDirectory(path) { return CopyPlan() }
        var destination = CopyPlan.Destination(text: path.description, workingDirectory: "/")
        if !user.isEmpty { destination.owner = try await owner(user, tree, what: "USER ") }
        return try CopyPlan(directory: path, destination, onto: tree)
    }
}
