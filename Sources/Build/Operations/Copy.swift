internal import Frontend
internal import Linux
internal import OCI
internal import SystemPackage

// COPY: from source to layer in one pass, without temporary files.

extension StageBuilder {
    mutating func copy(_ copy: Instruction.Copy, from step: StepSource) async throws {
        for (word, text) in zip(copy.transfer.sources, try copy.transfer.sources.map { try scope.expand($0) })
        where text.hasPrefix("http://") || text.hasPrefix("https://") {
            throw Diagnostic(word.position, "source can't be a URL for COPY; write ADD \(SourceAddress.redacted(text))")
        }
        let origin = try await origin(of: copy.from, step.line)
        try await transfer(copy.transfer, keyword: "COPY", from: origin, of: step)
    }

    mutating func transfer(
        _ transfer: Instruction.Transfer, keyword: String, from origin: Origin, of step: StepSource
    ) async throws {
        let job = try TransferJob(transfer, self)
        let stage = self
        let base = try await key(of: job, keyword)
        // The first of the keys below depends on all layers below, the others only on what the plan reads of them.
        let planned = job.isIndependent ? base : job.plannedKey(keyword, on: self)
        var prepared: (source: any CopySource, selection: CopySelection)?
        func prepare() async throws -> (source: any CopySource, selection: CopySelection) {
            if let prepared { return prepared }
            let source = try await stage.source(origin)
            let made = (source, try stage.selecting(from: origin) { try job.selection(in: source.tree) })
            prepared = made
            return made
        }
        var known: CopyPlan?
        func plan() async throws -> CopyPlan {
            if let known { return known }
            let made = try await stage.plan(job, try await prepare().selection)
            known = made
            return made
        }
        func addPlan(to key: inout StepFingerprint) async throws {
            if !job.isIndependent { try await plan().add(to: &key, epoch: stage.newestTime(in: plan())) }
        }
        var keys: [() async throws -> StepFingerprint] = []
        // The metadata of the source: known without reading a file.
        if let cheapKey = try await cheapKey(at: origin, job.sources) {
            for usesPlan in job.isIndependent ? [false] : [false, true] {
                keys.append {
                    var key = usesPlan ? planned : base
                    key.add(cheapKey.name, cheapKey.value)
                    if usesPlan { try await addPlan(to: &key) }
                    return key
                }
            }
        }
        var digests: [FileTree.InodeID: Digest]?
        func contentKey() async throws -> StepFingerprint {
            let (source, selection) = try await prepare()
            var key = planned
            let known = digests
            selection.add(to: &key, digests: try await Offload.run { try known ?? source.digests(of: selection.files) })
            try await addPlan(to: &key)
            return key
        }
        // Files are read twice only if their content may be that of an earlier layer.
        let mayMatch = try keys.isEmpty || mayHaveResult(of: planned)
        if mayMatch { keys.append(contentKey) }
        try await self.step(
            step, history: job.history(keyword), keys: keys, lastKey: mayMatch ? nil : contentKey
        ) {
            let (source, plan) = (try await prepare().source, try await plan())
            try await stage.note(job, plan, line: step.line)
            let made = try await stage.write(
                plan, from: source, isIndependent: job.isIndependent, hashes: !mayMatch, line: step.line)
            digests = made.digests
            try stage.shared.store.mark(planned.digest)
            return made.step
        }
    }

    /// True if the content of files may be known under a key that starts with this one.
    private func mayHaveResult(of start: StepFingerprint) throws -> Bool {
        guard usesCache else { return false }
        let request = shared.request
        return try !request.caches.isEmpty || request.expectsCache || shared.store.hasMark(start.digest)
    }

    /// Returns the part of a key that needs no file of the source.
    func key(of job: TransferJob, _ keyword: String) async throws -> StepFingerprint {
        var key = job.key(keyword, on: self)
        guard job.isIndependent, let name = job.owner, try Ownership(name).hasNames else { return key }
        // The owner's IDs are the only input from the layers below.
        let owner = try await owner(name)
        key.add("the owner", owner.map { "\($0.uid):\($0.gid)" } ?? "")
        return key
    }

    /// Places a selection in this stage.
    func plan(_ job: TransferJob, _ selection: CopySelection) async throws -> CopyPlan {
        let destination = CopyPlan.Destination(
            text: job.destination, workingDirectory: workingDirectory,
            owner: try await owner(job.owner), mode: job.mode)
        let target = job.isIndependent ? FileTree() : try await shared.trees.tree(of: image)
        return try CopyPlan(selection, inline: job.inline, to: destination, onto: target)
    }

    /// Returns the time that no time in the plan's layer may exceed.
    func newestTime(in plan: CopyPlan) -> Int64 { shared.epoch ?? max(epoch, plan.newest) }

    /// Looks an owner up in this stage, whose tree is only made if there is a name to look up.
    ///
    /// - Parameter what: The option or instruction of the text, for the note about an unknown name.
    func owner(
        _ text: String?, _ tree: FileTree? = nil, what: String = "--chown="
    ) async throws -> (uid: UInt32, gid: UInt32)? {
        guard let text else { return nil }
        let ownership = try Ownership(text)
        guard ownership.hasNames else {
            let (uid, gid, _) = ownership.numbers(in: Accounts(passwd: [], group: []))
            return (uid, gid)
        }
        let (image, store) = (image, shared.store)
        let tree = if let tree { tree } else { try await shared.trees.tree(of: image) }
        let accounts = try await Offload.run {
            try Accounts(
                passwd: image.checkedContents(of: "etc/passwd", in: tree, store),
                group: image.checkedContents(of: "etc/group", in: tree, store))
        }
        let (uid, gid, unknown) = ownership.numbers(in: accounts)
        for name in unknown {
            shared.progress(.note("\(what)\(text): this stage has no '\(name)', so root owns the files"))
        }
        return (uid, gid)
    }
}

extension Image {
    /// Returns a file's content, of a layer whose diff ID was checked now or before.
    ///
    /// An image from outside may claim the diff ID of another image's layer, and results are shared by diff IDs. So an
    /// owner that is part of a result comes only from a checked layer. The store remembers the pair of blob and diff ID.
    fileprivate func checkedContents(of path: String, in tree: FileTree, _ store: Store) throws -> [UInt8] {
        guard let found = try tree.resolve(ImagePath(path)), layers.indices.contains(tree.inode(of: found.node).layer)
        else { return [] }
        let layer = layers[tree.inode(of: found.node).layer]
        let pair = Digest(of: Array("checked layer \(layer.descriptor.digest) \(layer.diffID)".utf8))
        let isChecked = try layer.descriptor.digest == layer.diffID || store.hasMark(pair)
        let content = try contents(of: path, in: tree, verifying: !isChecked) ?? []
        if !isChecked { try store.mark(pair) }
        return content
    }
}
