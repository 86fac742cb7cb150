internal import ImageFiles
public import Linux
public import OCI

/// One row of `docker history`.
public struct HistoryEntry: Sendable, Equatable {
    /// The time in RFC 3339; empty if the image has none.
    public let created: String
    /// The command; empty if the image has none.
    public let createdBy: String
    /// The bytes of the regular files in its layer; 0 for a step without one.
    public let size: Int64
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

    /// Makes the history of an image with a tree, which needs no contents.
    public init(of image: Image, in tree: FileTree) {
        var sizes = [Int64](repeating: 0, count: image.layers.count)
        for inode in tree.inodes where sizes.indices.contains(inode.layer) { sizes[inode.layer] &+= inode.kind.size }
        entries = Self.steps(of: image).reversed().map { step in
            let layer = step.layer.map { image.layers[$0] }
            return HistoryEntry(
                created: step.history?.created ?? "", createdBy: step.history?.createdBy ?? "",
                size: step.layer.map { sizes[$0] } ?? 0, compressedSize: layer?.descriptor.size ?? 0,
                digest: layer?.descriptor.digest, diffID: layer?.diffID, comment: step.history?.comment ?? "")
        }
    }

    /// Makes the history of an image after reading its layers' headers.
    public init(of image: Image) async throws { self.init(of: image, in: try await image.tree()) }

    /// Returns history lines and layers in pairs, oldest first.
    static func steps(of image: Image) -> [(history: History?, layer: Int?)] {
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
                    "size": .integer(entry.size), "compressedSize": .integer(entry.compressedSize),
                    "digest": entry.digest.map { .string($0.description) } ?? .null,
                    "diffID": entry.diffID.map { .string($0.description) } ?? .null,
                    "emptyLayer": .bool(entry.isEmptyLayer), "comment": .string(entry.comment),
                ])
            })
    }

    /// Returns the rows as a table for people; without `noTruncation`, commands are cut to fit.
    public func text(noTruncation: Bool = false) -> String {
        var table = TextTable([
            .init("CREATED"), .init("CREATED BY", limit: noTruncation ? nil : 45), .init("SIZE", isNumber: true),
            .init("COMPRESSED", isNumber: true), .init("COMMENT", limit: noTruncation ? nil : 24),
        ])
        for entry in entries {
            let time = entry.created.prefix(19).map { $0 == "T" ? " " : $0 }
            table.add([
                String(time), entry.createdBy.visibleLine, "\(ByteCount(entry.size))",
                entry.isEmptyLayer ? "-" : "\(ByteCount(entry.compressedSize))", entry.comment,
            ])
        }
        return table.text
    }
}
