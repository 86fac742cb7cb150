internal import Frontend
internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

// COPY, ADD and WORKDIR: from source to layer in one pass, without touching a file system.

extension StageBuilder {
    mutating func copy(_ copy: Instruction.Copy, _ text: String, _ line: Int) async throws {
        let origin = try origin(of: copy.from, line)
        try await transfer(copy.transfer, "COPY", origin, text, line)
    }

    mutating func add(_ add: Instruction.Add, _ text: String, _ line: Int) async throws {
        let sources = try add.transfer.sources.map { (word) throws(Diagnostic) in try scope.expand(word) }
        if let remote = sources.first(where: Self.isRemote) {
            throw BuildError.unsupported("ADD of '\(remote)', a remote source,", at: plan.place(line))
        }
        guard add.unpack != false else { return try await transfer(add.transfer, "ADD", .context, text, line) }
        let archives = try sources.filter { try shared.context.isArchive($0) }
        if archives.isEmpty { return try await transfer(add.transfer, "ADD", .context, text, line) }
        guard archives.count == sources.count, add.transfer.heredocs.isEmpty else {
            throw BuildError.unsupported("ADD of archives together with other files", at: plan.place(line))
        }
        try await unpack(archives, add.transfer, text, line)
    }

    private static func isRemote(_ source: String) -> Bool {
        ["http://", "https://", "git://", "ssh://", "git@"].contains { source.hasPrefix($0) }
    }

    /// Where files come from.
    private enum Origin {
        case context
        case image(Image)
    }

    private func origin(of from: Word?, _ line: Int) throws -> Origin {
        guard let from else { return .context }
        let stage = plan.dockerfile.stages.first { $0.lines.contains(line) }?.index ?? plan.target
        switch try plan.graph.source(from, in: stage) {
        case .stage(let index):
            guard let stage = earlier[index] else { preconditionFailure("a stage starts after those it reads") }
            return .image(stage.image)
        case .image(let name): return .image(try shared.image(name, at: plan.place(line)))
        case .scratch: return .image(.scratch(shared.request.platform, in: shared.store))
        case .context(let name): throw BuildError.unsupported("the named context '\(name)'", at: plan.place(line))
        case .buildContext: return .context
        }
    }

    private func source(_ origin: Origin) async throws -> any CopySource {
        switch origin {
        case .context: return try await Offload.run { [shared] in try shared.context.files() }
        case .image(let image): return ImageSource(image: image, tree: try await shared.trees.tree(of: image))
        }
    }

    private mutating func transfer(
        _ transfer: Instruction.Transfer, _ keyword: String, _ origin: Origin, _ text: String, _ line: Int
    ) async throws {
        if transfer.parents { throw BuildError.unsupported("\(keyword) --parents", at: plan.place(line)) }
        let job = try CopyJob(transfer, self)
        let stage = self
        let base = job.key(keyword, on: image.layers, epoch: shared.request.epoch)
        var prepared: (source: any CopySource, selection: CopySelection)?
        func prepare() async throws -> (source: any CopySource, selection: CopySelection) {
            if let prepared { return prepared }
            let source = try await stage.source(origin)
            let made = (source, try job.selection(in: source.tree))
            prepared = made
            return made
        }
        var keys: [() async throws -> Digest] = []
        if case .image(let image) = origin {
            // The whole source by its layers: known without looking into it.
            var key = base
            key.add("from", Digest.chainID(of: image.layers)?.description ?? "scratch")
            keys.append { [key] in key.digest }
        }
        keys.append {
            let (source, selection) = try await prepare()
            var key = base
            let digests = try await Offload.run { try source.digests(of: selection.files) }
            selection.add(to: &key, digests: digests)
            return key.digest
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

    private func owner(_ text: String?, _ tree: FileTree) async throws -> (uid: UInt32, gid: UInt32)? {
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
    private func write(_ plan: CopyPlan, from source: any CopySource) async throws -> CachedStep {
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

// MARK: - WORKDIR

extension StageBuilder {
    mutating func workdir(_ workdir: Instruction.Workdir, _ text: String, _ line: Int) async throws {
        let path = try CopyPlan.absolute(try scope.expand(workdir.path), in: workingDirectory)
        image = image.configured { $0.workingDirectory = path.description }
        if path.isRoot {
            return image = image.configured { $0.history.append(Self.history("WORKDIR /", isEmptyLayer: true)) }
        }
        var key = Fingerprint("workdir", on: image.layers)
        key.add("path", path.bytes)
        key.add("user", image.config.user)
        let (stage, digest) = (self, key.digest)
        try await step(text, line, history: "WORKDIR \(path)", keys: [{ digest }]) {
            let tree = try await stage.shared.trees.tree(of: stage.image)
            let user = stage.image.config.user
            let owner = tree.isDirectory(path) || user.isEmpty ? nil : try await stage.owner(user, tree)
            let destination = CopyPlan.Destination(text: path.description, workingDirectory: "/", owner: owner)
            let plan = try CopyPlan(directory: path, destination, onto: tree)
            return try await stage.write(plan, from: ImageSource(image: stage.image, tree: tree))
        }
    }
}

// MARK: - ADD of an archive

extension StageBuilder {
    private mutating func unpack(
        _ archives: [String], _ transfer: Instruction.Transfer, _ text: String, _ line: Int
    ) async throws {
        let job = try CopyJob(transfer, self)
        let stage = self
        let base = job.key("ADD unpack", on: image.layers, epoch: shared.request.epoch)
        try await step(
            text, line, history: job.history("ADD"),
            keys: [
                {
                    var key = base
                    let source = try await stage.source(.context)
                    let selection = try job.selection(in: source.tree)
                    selection.add(to: &key, digests: try source.digests(of: selection.files))
                    return key.digest
                }
            ]
        ) {
            let tree = try await stage.shared.trees.tree(of: stage.image)
            let owner = try await stage.owner(job.owner, tree)
            let top = try CopyPlan.absolute(job.destination, in: stage.workingDirectory)
            let (shared, epoch) = (stage.shared, stage.shared.request.epoch ?? stage.epoch)
            return try await Offload.run {
                let writer = try LayerWriter(into: shared.store, compression: shared.request.compression)
                for item in try CopyPlan(
                    directory: top, CopyPlan.Destination(text: "/", workingDirectory: "/"), onto: tree
                ).items {
                    try writer.add(item.entry)
                }
                var newest = epoch
                for archive in archives {
                    let reader = try ForeignArchive(shared.context.open(archive), name: archive)
                    while var entry = try reader.next() {
                        guard !entry.path.isRoot else { continue }
                        entry.path = entry.path.moved(below: top)
                        if case .link(let target) = entry.change { entry.change = .link(to: target.moved(below: top)) }
                        if let owner { (entry.metadata.uid, entry.metadata.gid) = owner }
                        newest = max(newest, entry.metadata.mtime.seconds)
                        if let limit = shared.request.epoch {
                            entry.metadata.mtime = FileTime(seconds: min(limit, entry.metadata.mtime.seconds))
                        }
                        try writer.add(entry)
                        try reader.readContent { try writer.write($0) }
                    }
                }
                return CachedStep(layer: try writer.finish(), epoch: newest)
            }
        }
    }
}
