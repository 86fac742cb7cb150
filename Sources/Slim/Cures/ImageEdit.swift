public import ImageFiles
internal import Linux
public import OCI

/// A change of an image's files and configuration, which keeps its layers apart.
public struct ImageEdit: Sendable {
    /// The new content of a file.
    public enum Replacement: Sendable, Equatable {
        /// These bytes.
        case content([UInt8])
        /// The first bytes of the old content, some of which are overwritten.
        case cut(size: Int64, patches: [Patch])
    }

    /// Bytes at an offset of a file.
    public struct Patch: Sendable, Equatable {
        let offset: Int
        let bytes: [UInt8]
    }

    /// The files with new content.
    public var replaced: [FileTree.InodeID: Replacement] = [:]
    /// New files and directories, which go to the top layer.
    public var added: [(entry: LayerEntry, content: [UInt8])] = []
    /// The new configuration, without its layers; nil for the old one.
    public var config: ImageConfig?

    /// An edit that changes nothing yet.
    public init() {}
}

extension Image {
    /// Makes the image with an edit; layers without a changed file stay the same.
    ///
    /// Equal edits of equal images give equal bytes.
    public func edited(
        by edit: ImageEdit, of files: ImageFiles, named name: String, into store: Store,
        compression: Compression = .gzip
    ) async throws -> Image {
        let old = self.layers
        let layers = try await Offload.map(Array(old.indices), width: 1) { index in
            let rewriting = LayerEdit(edit, of: files, layer: index, isTop: index == old.count - 1)
            return try rewriting?.write(into: store, compression) ?? old[index]
        }
        var config = edit.config ?? self.config
        config.history += [
            History(
                created: self.config.created, createdBy: "thaw cure \(name)", comment: "thaw cure", isEmptyLayer: true)
        ]
        let image = replacingLayers(layers, config: config).based(on: nil, nil)
        return try Image(manifest: store.publish(image, as: nil), in: store)
    }
}

/// The rewriting of one layer.
private struct LayerEdit {
    private let files: ImageFiles
    private let layer: Layer
    private let replaced: [Int: ImageEdit.Replacement]
    private let added: [(entry: LayerEntry, content: [UInt8])]

    /// Nil if the edit leaves the layer as it is.
    init?(_ edit: ImageEdit, of files: ImageFiles, layer index: Int, isTop: Bool) {
        let inodes = edit.replaced.filter { files.tree.inodes[$0.key].layer == index }
        added = isTop ? edit.added : []
        guard !inodes.isEmpty || !added.isEmpty else { return nil }
        replaced = Dictionary(uniqueKeysWithValues: inodes.map { (files.tree.inodes[$0.key].ordinal, $0.value) })
        self.files = files
        layer = files.image.layers[index]
    }

    func write(into store: Store, _ compression: Compression) throws -> Layer {
        let writer = try LayerWriter(into: store, compression: compression)
        let reader = try files.image.open(layer)
        var ordinal = 0
        while let entry = try reader.next() {
            if let replacement = replaced[ordinal] {
                try copy(entry, reader, as: replacement, to: writer)
            } else {
                try writer.add(entry)
                if entry.size > 0 { try reader.readContent { try writer.write($0) } }
            }
            ordinal += 1
        }
        for (entry, content) in added {
            try writer.add(entry)
            if !content.isEmpty { try writer.write(content[...]) }
        }
        return try writer.finish()
    }

    private func copy(
        _ entry: LayerEntry, _ reader: TarReader, as replacement: ImageEdit.Replacement, to writer: LayerWriter
    ) throws {
        switch replacement {
        case .content(let bytes):
            try writer.add(LayerEntry(entry.path, .add(.file(size: Int64(bytes.count))), entry.metadata))
            if !bytes.isEmpty { try writer.write(bytes[...]) }
        case .cut(let size, let patches):
            try writer.add(LayerEntry(entry.path, .add(.file(size: size)), entry.metadata))
            var position = 0
            try reader.readContent { chunk in
                let piece = Self.patched(chunk.prefix(max(0, Int(size) - position)), at: position, patches)
                if !piece.isEmpty { try writer.write(piece) }
                position += chunk.count
            }
        }
    }

    /// Returns a piece of a file with the patches that lie in it.
    private static func patched(
        _ piece: ArraySlice<UInt8>, at position: Int, _ patches: [ImageEdit.Patch]
    ) -> ArraySlice<UInt8> {
        var piece = piece
        for patch in patches {
            for (index, byte) in patch.bytes.enumerated() {
                let place = patch.offset + index - position
                if place >= 0, place < piece.count { piece[piece.startIndex + place] = byte }
            }
        }
        return piece
    }
}
