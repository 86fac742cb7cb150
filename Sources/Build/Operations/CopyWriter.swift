internal import Linux
internal import OCI

// The layer of COPY, ADD and WORKDIR: entries without content first, then files in the order of the source, then links.

extension StageBuilder {
    /// Writes a layer.
    ///
    /// The times of an independent layer don't depend on the layers below.
    ///
    /// - Parameters:
    ///   - hashes: True to compute the digests of the files in the same pass; else the result has none.
    ///   - line: The line of the instruction, for notes about files; nil for none.
    func write(
        _ plan: CopyPlan, from source: any CopySource, isIndependent: Bool = false, hashes: Bool = false,
        form: LayerForm? = nil, line: Int? = nil
    ) async throws -> (step: CachedStep, digests: [FileTree.InodeID: Digest]?) {
        let (store, form) = (shared.store, form ?? shared.request.layerForm)
        let epoch = isIndependent ? shared.epoch ?? plan.newest : newestTime(in: plan)
        let (layer, script, digests) = try await Offload.run {
            var writer = CopyWriter(try LayerWriter(into: store, form), epoch: epoch, hashes: hashes)
            return (try writer.write(plan, from: source), writer.script.found, writer.digests)
        }
        if let line, let script { note(script, line) }
        // The result has only the time of its own files, so that it also fits other layers below.
        return (CachedStep(layer: layer, epoch: shared.epoch ?? plan.newest), digests)
    }
}

/// A writer of a plan's entries into a layer.
private struct CopyWriter {
    private let layer: LayerWriter
    private let epoch: Int64
    private(set) var script = ScriptFinder()
    /// The digests of all files, if they are computed.
    private(set) var digests: [FileTree.InodeID: Digest]?

    /// Makes a writer that limits times to `epoch`.
    init(_ layer: LayerWriter, epoch: Int64, hashes: Bool) {
        (self.layer, self.epoch) = (layer, epoch)
        digests = hashes ? [:] : nil
        layer.hashesContents = hashes
    }

    mutating func write(_ plan: CopyPlan, from source: any CopySource) throws -> Layer {
        // A file that two sources name is read twice, since its bytes are written twice.
        var passes: [[FileTree.InodeID: Int]] = []
        for (index, item) in plan.items.enumerated() {
            if case .link = item.entry.change { continue }
            guard let inode = item.source else {
                try add(item)
                try write(item.inline[...])
                continue
            }
            let pass = passes.firstIndex { $0[inode] == nil } ?? passes.endIndex
            if pass == passes.endIndex { passes.append([:]) }
            passes[pass][inode] = index
        }
        for pass in passes { try write(pass, of: plan, from: source) }
        for item in plan.items {
            if case .link = item.entry.change { try add(item) }
        }
        return try layer.finish()
    }

    /// Writes files, each once.
    private mutating func write(
        _ files: [FileTree.InodeID: Int], of plan: CopyPlan, from source: any CopySource
    ) throws {
        var current: FileTree.InodeID?
        func end(_ writer: inout CopyWriter) {
            guard let inode = current, writer.digests != nil, let digest = writer.layer.contentDigest else { return }
            writer.digests?[inode] = digest
            source.remember(digest, of: inode)
        }
        try source.read(
            files.keys.sorted(),
            begin: { inode in
                guard let index = files[inode] else { return }
                end(&self)
                current = inode
                try add(plan.items[index])
            },
            chunk: { try write($0) })
        end(&self)
    }

    private mutating func add(_ item: CopyPlan.CopiedPath) throws {
        var entry = item.entry
        entry.metadata.mtime = FileTime(seconds: min(entry.metadata.mtime.seconds, epoch))
        try layer.add(entry)
        script.begin(item.entry.path)
    }

    private mutating func write(_ bytes: ArraySlice<UInt8>) throws {
        script.look(at: bytes)
        try layer.write(bytes)
    }
}
