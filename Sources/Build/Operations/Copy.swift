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
        var prepared: (source: any CopySource, selection: CopySelection)?
        func prepare() async throws -> (source: any CopySource, selection: CopySelection) {
            if let prepared { return prepared }
            let source = try await stage.source(origin)
            let made = (source, try stage.selecting(from: origin) { try job.selection(in: source.tree) })
            prepared = made
            return made
        }
        var keys: [() async throws -> Fingerprint] = []
        // The metadata of the source: known without reading a file.
        if let cheapKey = try await cheapKey(at: origin, job.sources) {
            keys.append {
                var key = base
                key.add(cheapKey.name, cheapKey.value)
                return key
            }
        }
        keys.append {
            let (source, selection) = try await prepare()
            var key = base
            let digests = try await Offload.run { try source.digests(of: selection.files) }
            selection.add(to: &key, digests: digests)
            return key
        }
        try await self.step(step, history: job.history(keyword), keys: keys) {
            let (source, selection) = try await prepare()
            let plan = try await stage.plan(job, selection, line: step.line)
            return try await stage.write(plan, from: source, isIndependent: job.isIndependent, line: step.line)
        }
    }

    /// Returns the part of a key that needs no file of the source.
    func key(of job: TransferJob, _ keyword: String) async throws -> Fingerprint {
        var key = job.key(keyword, on: self)
        guard job.isIndependent, let name = job.owner, try Ownership(name).hasNames else { return key }
        // The owner's IDs are the only input from the layers below.
        let owner = try await owner(name)
        key.add("the owner", owner.map { "\($0.uid):\($0.gid)" } ?? "")
        return key
    }

    /// Places a selection in this stage.
    func plan(_ job: TransferJob, _ selection: CopySelection, line: Int) async throws -> CopyPlan {
        let destination = CopyPlan.Destination(
            text: job.destination, workingDirectory: workingDirectory,
            owner: try await owner(job.owner), mode: job.mode)
        let target = job.isIndependent ? FileTree() : try await shared.trees.tree(of: image)
        let plan = try CopyPlan(selection, inline: job.inline, to: destination, onto: target)
        try await note(job, plan, line: line)
        return plan
    }

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
        let image = image
        let tree = if let tree { tree } else { try await shared.trees.tree(of: image) }
        let accounts = try await Offload.run {
            try Accounts(
                passwd: image.contents(of: "etc/passwd", in: tree) ?? [],
                group: image.contents(of: "etc/group", in: tree) ?? [])
        }
        let (uid, gid, unknown) = ownership.numbers(in: accounts)
        for name in unknown {
            shared.progress(.note("\(what)\(text): this stage has no '\(name)', so root owns the files"))
        }
        return (uid, gid)
    }
}

// MARK: - The layer

extension StageBuilder {
    /// Writes a layer: entries without content first, then files in the order of the source, then links.
    ///
    /// The times of an independent layer don't depend on the layers below.
    ///
    /// - Parameter line: The line of the instruction, for notes about files; nil for none.
    func write(
        _ plan: CopyPlan, from source: any CopySource, isIndependent: Bool = false, compression: OCI.Compression? = nil,
        line: Int? = nil
    ) async throws -> CachedStep {
        let (store, compression) = (shared.store, compression ?? shared.request.compression)
        let epoch = shared.epoch ?? max(isIndependent ? 0 : self.epoch, plan.newest)
        let (step, script) = try await Offload.run {
            let writer = try LayerWriter(into: store, compression: compression)
            var script = ScriptFinder()
            func add(_ item: CopyPlan.Item) throws {
                var entry = item.entry
                entry.metadata.mtime = FileTime(seconds: min(entry.metadata.mtime.seconds, epoch))
                try writer.add(entry)
            }
            var contents: [FileTree.InodeID: [CopyPlan.Item]] = [:]
            var links: [CopyPlan.Item] = []
            for item in plan.items {
                if case .link = item.entry.change {
                    links.append(item)
                } else if let source = item.source {
                    contents[source, default: []].append(item)
                } else {
                    try add(item)
                    script.begin(item.entry.path)
                    script.look(at: item.inline[...])
                    try writer.write(item.inline[...])
                }
            }
            // A file that two sources name is read twice, since its bytes are written twice.
            var pass = 0
            while !contents.isEmpty {
                try source.read(
                    contents.keys.sorted(),
                    begin: {
                        guard let item = contents[$0]?[pass] else { return }
                        try add(item)
                        script.begin(item.entry.path)
                    },
                    chunk: {
                        script.look(at: $0)
                        try writer.write($0)
                    })
                pass += 1
                contents = contents.filter { $0.value.count > pass }
            }
            for item in links { try add(item) }
            return (CachedStep(layer: try writer.finish(), epoch: epoch), script.found)
        }
        if let line, let script { note(script, line) }
        return step
    }
}
