internal import Frontend
internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

// ADD: as COPY, but archives are unpacked.

extension StageBuilder {
    mutating func add(_ add: Instruction.Add, _ text: String, _ line: Int) async throws {
        let sources = try add.transfer.sources.map { (word) throws(Diagnostic) in try scope.expand(word) }
        if let remote = sources.first(where: Self.isRemote) {
            throw BuildError.unsupported("ADD of '\(remote)', a remote source,", at: plan.place(line))
        }
        guard add.unpack != false else { return try await transfer(add.transfer, "ADD", .context, text, line) }
        let (job, shared) = (try CopyJob(add.transfer, self), shared)
        let (count, archives) = try await Offload.run {
            let files = try shared.context.files().tree
            let roots = try job.selection(in: files).roots
            return (roots.count, try roots.map(\.node).filter { try shared.context.isArchive($0) }.map(files.path(of:)))
        }
        if archives.isEmpty { return try await transfer(add.transfer, "ADD", .context, text, line) }
        guard archives.count == count, add.transfer.heredocs.isEmpty else {
            throw BuildError.unsupported("ADD of archives together with other files", at: plan.place(line))
        }
        try await unpack(archives, job, text, line)
    }

    private static func isRemote(_ source: String) -> Bool {
        ["http://", "https://", "git://", "ssh://", "git@"].contains { source.hasPrefix($0) }
    }

    private mutating func unpack(
        _ archives: [ImagePath], _ job: CopyJob, _ text: String, _ line: Int
    ) async throws {
        let stage = self
        let base = job.key("ADD unpack", on: self)
        let key: () async throws -> Fingerprint = {
            var key = base
            let source = try await stage.source(.context)
            let selection = try job.selection(in: source.tree)
            selection.add(to: &key, digests: try await Offload.run { try source.digests(of: selection.files) })
            return key
        }
        try await step(text, line, history: job.history("ADD"), keys: [key]) {
            let tree = try await stage.shared.trees.tree(of: stage.image)
            let owner = try await stage.owner(job.owner, tree)
            let top = try CopyPlan.absolute(job.destination, in: stage.workingDirectory)
            return try await Offload.run { try stage.unpack(archives, below: top, owner: owner, onto: tree) }
        }
    }

    /// Writes the layer that unpacking does.
    private func unpack(
        _ archives: [ImagePath], below top: ImagePath, owner: (uid: UInt32, gid: UInt32)?, onto tree: FileTree
    ) throws -> CachedStep {
        let writer = try LayerWriter(into: shared.store, compression: shared.request.compression)
        let above = try CopyPlan(
            directory: top, CopyPlan.Destination(text: "/", workingDirectory: "/"), onto: tree
        ).items.map(\.entry)
        for entry in above { try writer.add(entry) }
        var entries = above
        for archive in archives {
            let reader = try ForeignArchive(shared.context.files().open(archive), name: "\(archive)")
            while var entry = try reader.next() {
                guard !entry.path.isRoot else { continue }
                entry.path = entry.path.moved(below: top)
                if case .link(let target) = entry.change { entry.change = .link(to: target.moved(below: top)) }
                if let owner { (entry.metadata.uid, entry.metadata.gid) = owner }
                if let limit = shared.request.epoch {
                    entry.metadata.mtime = FileTime(seconds: min(limit, entry.metadata.mtime.seconds))
                }
                entries.append(entry)
                try writer.add(entry)
                try copyContent(of: entry, from: reader, to: writer)
            }
        }
        // Whatever cannot be placed must not become a layer: links that leave the root, links to nothing.
        var result = tree
        try result.apply(entries.map { ($0, nil) }, layer: image.layers.count, name: "of this ADD")
        let newest = entries.dropFirst(above.count).reduce(epoch) { max($0, $1.metadata.mtime.seconds) }
        return CachedStep(layer: try writer.finish(), epoch: shared.request.epoch ?? newest)
    }

    /// As many bytes as the entry announced: links have none, whatever the archive says.
    private func copyContent(of entry: LayerEntry, from reader: ForeignArchive, to writer: LayerWriter) throws {
        guard case .add(.file) = entry.change else { return }
        try reader.readContent { try writer.write($0.prefix(Int(min(Int64($0.count), writer.missing)))) }
        guard writer.missing == 0 else {
            throw OCIError.unreadableArchive("\(entry.path)", reason: "it is shorter than the archive says")
        }
    }
}
