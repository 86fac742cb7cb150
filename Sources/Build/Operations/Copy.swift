internal import Frontend
internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

// COPY: from source to layer in one pass, without touching a file system.

extension StageBuilder {
    mutating func copy(_ copy: Instruction.Copy, _ text: String, _ line: Int) async throws {
        let origin = try origin(of: copy.from, line)
        try await transfer(copy.transfer, "COPY", origin, text, line)
    }

    /// Where files come from.
    enum Origin {
        case context
        case image(Image)
    }

    private func origin(of from: Word?, _ line: Int) throws -> Origin {
        guard let from else { return .context }
        let stage = plan.dockerfile.stages.first { $0.lines.contains(line) }?.index ?? plan.target
        switch try plan.graph.source(from, in: stage) {
        case .stage(let index):
            guard let stage = earlier[index] else {
                // Only a trigger of the base image can name a stage that the Dockerfile doesn't wait for.
                throw BuildError.unsupported(
                    "COPY --from=\(from.text) in an ONBUILD trigger of the base image", at: plan.place(line))
            }
            return .image(stage.image)
        case .image(let name): return .image(try shared.image(name, at: plan.place(line)))
        case .scratch: return .image(.scratch(shared.request.platform, in: shared.store))
        case .context(let name): throw BuildError.unsupported("the named context '\(name)'", at: plan.place(line))
        case .buildContext: return .context
        }
    }

    func source(_ origin: Origin) async throws -> any CopySource {
        switch origin {
        case .context: return try await Offload.run { [shared] in try shared.context.files() }
        case .image(let image): return ImageSource(image: image, tree: try await shared.trees.tree(of: image))
        }
    }

    mutating func transfer(
        _ transfer: Instruction.Transfer, _ keyword: String, _ origin: Origin, _ text: String, _ line: Int
    ) async throws {
        if transfer.parents { throw BuildError.unsupported("\(keyword) --parents", at: plan.place(line)) }
        let job = try CopyJob(transfer, self)
        let stage = self
        let base = job.key(keyword, on: self)
        var prepared: (source: any CopySource, selection: CopySelection)?
        func prepare() async throws -> (source: any CopySource, selection: CopySelection) {
            if let prepared { return prepared }
            let source = try await stage.source(origin)
            let made = (source, try job.selection(in: source.tree))
            prepared = made
            return made
        }
        var keys: [() async throws -> Fingerprint] = []
        if case .image(let image) = origin {
            // The whole source by its layers: known without looking into it.
            var key = base
            key.add("the source's layers", Digest.chainID(of: image.layers)?.description ?? "scratch")
            keys.append { [key] in key }
        }
        keys.append {
            let (source, selection) = try await prepare()
            var key = base
            let digests = try await Offload.run { try source.digests(of: selection.files) }
            selection.add(to: &key, digests: digests)
            return key
        }
        try await step(text, line, history: job.history(keyword), keys: keys) {
            let (source, selection) = try await prepare()
            let plan = try await stage.plan(job, selection)
            return try await stage.write(plan, from: source)
        }
    }

    /// Places a selection in this stage.
    private func plan(_ job: CopyJob, _ selection: CopySelection) async throws -> CopyPlan {
        let tree = try await shared.trees.tree(of: image)
        let destination = CopyPlan.Destination(
            text: job.destination, workingDirectory: workingDirectory, owner: try await owner(job.owner, tree),
            mode: job.mode)
        return try CopyPlan(selection, inline: job.inline, to: destination, onto: tree)
    }

    func owner(_ text: String?, _ tree: FileTree) async throws -> (uid: UInt32, gid: UInt32)? {
        guard let text else { return nil }
        if let uid = UInt32(text) { return (uid, uid) }
        let files = try await accountFiles(tree)
        do {
            let account = try Account(text, passwd: files.passwd, group: files.group)
            return (account.uid, account.gid)
        } catch .unknownUser, .unknownGroup {
            // As BuildKit does, though its manual says that the build fails.
            shared.progress(.note("--chown=\(text) names nobody in this stage: root owns the files"))
            return (0, 0)
        }
    }

    /// `/etc/passwd` and `/etc/group` of this stage.
    private func accountFiles(_ tree: FileTree) async throws -> (passwd: [UInt8], group: [UInt8]) {
        let image = image
        return try await Offload.run {
            (try image.contents(of: "etc/passwd", in: tree) ?? [], try image.contents(of: "etc/group", in: tree) ?? [])
        }
    }

    /// Writes a layer: what needs no content first, then files in the order in which the source has them, then links.
    func write(_ plan: CopyPlan, from source: any CopySource) async throws -> CachedStep {
        let (store, compression) = (shared.store, shared.request.compression)
        let epoch = shared.request.epoch ?? max(self.epoch, plan.newest)
        return try await Offload.run {
            let writer = try LayerWriter(into: store, compression: compression)
            func add(_ item: CopyPlan.Item) throws {
                var entry = item.entry
                entry.metadata.mtime = FileTime(seconds: min(entry.metadata.mtime.seconds, epoch))
                try writer.add(entry)
            }
            var contents: [FileTree.InodeID: [CopyPlan.Item]] = [:]
            var links: [CopyPlan.Item] = []
            for item in plan.items {
                if let source = item.source {
                    contents[source, default: []].append(item)
                } else if case .link = item.entry.change {
                    links.append(item)
                } else {
                    try add(item)
                    try writer.write(item.inline[...])
                }
            }
            // A file that two sources name is read twice: the stream has to be written as often.
            var pass = 0
            while !contents.isEmpty {
                try source.read(
                    contents.keys.sorted(), begin: { if let item = contents[$0]?[pass] { try add(item) } },
                    chunk: { try writer.write($0) })
                pass += 1
                contents = contents.filter { $0.value.count > pass }
            }
            for item in links { try add(item) }
            return CachedStep(layer: try writer.finish(), epoch: epoch)
        }
    }
}
