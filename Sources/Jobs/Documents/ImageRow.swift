public import Linux
public import OCI

/// One name of the store with the digest, size and platforms of its image.
public struct ImageRow: Sendable {
    /// The name without the parts that Docker omits.
    public let name: String
    /// The digest of the manifest or index.
    public let digest: Digest
    /// The bytes of all layers as they are stored, each counted once; a built image's layers are plain until an export.
    public let compressedSize: Int64
    /// The platforms.
    public let platforms: [String]

    /// Reads the rows of all names.
    public static func all(in store: Store) throws -> [ImageRow] {
        try store.summaries().map { summary in
            ImageRow(
                name: try Reference(summary.name).familiar, digest: summary.digest, compressedSize: summary.size,
                platforms: summary.platforms)
        }
    }

    /// Returns the document of `thaw images --format json`.
    public static func document(_ rows: [ImageRow]) -> JSON {
        .document("images", ["images": .array(rows.map(\.json))])
    }

    private var json: JSON {
        .object([
            "name": .string(name), "digest": .string("\(digest)"), "compressedSize": .integer(compressedSize),
            "platforms": .strings(platforms),
        ])
    }

    /// Returns the lines of `thaw images --format text`.
    static func text(_ rows: [ImageRow], digests: Bool) -> [String] {
        let width = rows.map(\.name.count).max() ?? 0
        return rows.map { row in
            let name = row.name + String(repeating: " ", count: width - row.name.count)
            let platforms = row.platforms.count > 1 ? "  " + row.platforms.joined(separator: " ").visibleLine : ""
            let digest = digests ? "\(row.digest)" : row.digest.short
            return "\(name)  \(digest)  \(ByteCount(row.compressedSize))\(platforms)"
        }
    }
}
