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
        var key = Fingerprint("workdir", on: self)
        key.add("the path", path.description)
        key.add("USER", user)
        let (stage, fingerprint) = (self, key)
        try await step(source, history: "WORKDIR \(path)", keys: [{ fingerprint }]) {
            let tree = try await stage.shared.trees.tree(of: stage.image)
            let user = stage.user
            var destination = CopyPlan.Destination(text: path.description, workingDirectory: "/")
            if !tree.isDirectory(path), !user.isEmpty {
                destination.owner = try await stage.owner(user, tree, what: "USER ")
            }
            let plan = try tree.isDirectory(path) ? CopyPlan() : CopyPlan(directory: path, destination, onto: tree)
            return try await stage.write(plan, from: ImageSource(image: stage.image, tree: tree))
        }
    }
}
