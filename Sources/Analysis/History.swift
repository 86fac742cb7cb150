public import Linux
public import OCI

/// One row of `docker history`.
public struct HistoryEntry: Sendable, Equatable {
    /// When, in RFC 3339; empty where the image doesn't say.
    public let created: String
    /// The command; empty where the image doesn't say.
    public let createdBy: String
    /// Bytes of the regular files that its layer brings; 0 for a step without one.
    public let size: Int64
    /// Bytes of the layer's blob.
    public let compressedSize: Int64
    /// The layer's blob.
    public let digest: Digest?
    /// The layer's tar.
    public let diffID: Digest?
    /// What the builder noted.
    public let comment: String

    /// Whether the step made no layer.
    public var isEmptyLayer: Bool { digest == nil }
}

/// What made an image, step by step, and what each step costs.
///
/// History is free text that nothing ties to the layers. Where its lines are fewer than the layers, or more, the lowest
/// are paired and the rest stand alone, so that every layer has its row and no line is lost.
public struct ImageHistory: Sendable, Equatable {
    /// The rows, newest first.
    public let entries: [HistoryEntry]

    /// The history of an image whose tree is known. Contents are not needed.
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

    /// Reads the layers' headers for it.
    public init(of image: Image) async throws { self.init(of: image, in: try await image.tree()) }

    /// History lines and layers in pairs, oldest first.
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

    /// How many history lines claim a layer; the image is at odds with itself where that isn't the number of layers.
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

    /// The rows as a table for people; without `noTruncation`, commands are cut to fit.
    public func text(noTruncation: Bool = false) -> String {
        var table = Table([
            .init("CREATED"), .init("CREATED BY", limit: noTruncation ? nil : 45), .init("SIZE", isNumber: true),
            .init("COMPRESSED", isNumber: true), .init("COMMENT", limit: noTruncation ? nil : 24),
        ])
        for entry in entries {
            let time = entry.created.prefix(19).map { $0 == "T" ? " " : $0 }
            table.add([
                String(time), entry.createdBy.visibleLine, humanBytes(entry.size),
                entry.isEmptyLayer ? "-" : humanBytes(entry.compressedSize), entry.comment,
            ])
        }
        return table.text
    }
}
