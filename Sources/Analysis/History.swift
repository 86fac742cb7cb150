public import Linux
public import OCI

/// One row of `docker history`.
public struct HistoryEntry: Sendable, Equatable {
    /// The time in RFC 3339; empty if the image has none.
    public let created: String
    /// The command; empty if the image has none.
    public let createdBy: String
    /// The bytes of the regular files in its layer; 0 for a step without one, nil if the layer was not read.
    public let size: Int64?
    /// The size of the layer's blob in bytes.
    public let compressedSize: Int64
    /// The digest of the layer's blob.
    public let digest: Digest?
    /// The digest of the layer's tar.
    public let diffID: Digest?
    /// The builder's comment.
    public let comment: String

    /// True if the step made no layer.
    public var isEmptyLayer: Bool { digest == nil }
}

/// The steps that made an image, and the bytes of each.
///
/// History is free text without a reference to the layers. If it has fewer or more lines than there are layers, the
/// lowest are paired and the rest have rows of their own. So every layer has its row and no line is lost.
public struct ImageHistory: Sendable, Equatable {
    /// The rows, newest first.
    public let entries: [HistoryEntry]
    /// The digest of the image's configuration, which Docker calls the image's ID.
    public let imageID: Digest

    /// Makes the history of an image with a tree, which needs no contents.
    public init(of image: Image, in tree: FileTree) {
        var sizes = [Int64](repeating: 0, count: image.layers.count)
        for inode in tree.inodes where sizes.indices.contains(inode.layer) { sizes[inode.layer] &+= inode.kind.size }
        self.init(of: image, sizes: sizes)
    }

    /// Makes the history of an image without reading its layers, whose unpacked sizes are then unknown.
    public init(of image: Image) { self.init(of: image, sizes: nil) }

    private init(of image: Image, sizes: [Int64]?) {
        imageID = image.manifest.config.digest
        entries = Self.steps(of: image).reversed().map { step in
            let layer = step.layer.map { image.layers[$0] }
            return HistoryEntry(
                created: step.history?.created ?? "", createdBy: step.history?.createdBy ?? "",
                size: step.layer.map { sizes?[$0] } ?? 0, compressedSize: layer?.descriptor.size ?? 0,
                digest: layer?.descriptor.digest, diffID: layer?.diffID, comment: step.history?.comment ?? "")
        }
    }

    /// Returns history lines and layers in pairs, oldest first, with `***` in the place of secrets.
    static func steps(of image: Image) -> [(history: History?, layer: Int?)] {
        unredactedSteps(of: image).map { step in
            var history = step.history
            history?.createdBy = step.history?.createdBy.map(SecretText.redacted)
            history?.comment = step.history?.comment.map(SecretText.redacted)
            return (history, step.layer)
        }
    }

    /// Returns history lines and layers in pairs, oldest first, as they are; only for the search for secrets.
    static func unredactedSteps(of image: Image) -> [(history: History?, layer: Int?)] {
        var next = 0
        var steps = image.config.history.map { line -> (history: History?, layer: Int?) in
            guard !line.isEmptyLayer, next < image.layers.count else { return (line, nil) }
            next += 1
            return (line, next - 1)
        }
        while next < image.layers.count {
            steps.append((nil, next))
            next += 1
        }
        return steps
    }

    /// Returns the command of each layer in one line, lowest first; empty for a layer without a line.
    public static func commands(of image: Image) -> [String] {
        var commands = [String](repeating: "", count: image.layers.count)
        for step in steps(of: image) {
            if let layer = step.layer { commands[layer] = shortCommand(step.history?.createdBy ?? "") }
        }
        return commands
    }

    /// Returns the number of history lines with a layer.
    ///
    /// The image is inconsistent if that isn't the number of layers.
    static func claimedLayers(of image: Image) -> Int { image.config.history.filter { !$0.isEmptyLayer }.count }
}

extension ImageHistory {
    /// The rows as `thaw history --format json` prints them.
    public var json: JSON {
        .array(
            entries.map { entry in
                .object([
                    "created": .string(entry.created), "createdBy": .string(entry.createdBy),
                    "size": entry.size.map { .integer($0) } ?? .null, "compressedSize": .integer(entry.compressedSize),
                    "digest": entry.digest.map { .string($0.description) } ?? .null,
                    "diffID": entry.diffID.map { .string($0.description) } ?? .null,
                    "emptyLayer": .bool(entry.isEmptyLayer), "comment": .string(entry.comment),
                ])
            })
    }
}
