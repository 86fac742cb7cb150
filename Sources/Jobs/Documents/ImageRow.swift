public import Linux
public import OCI

/// One name of the store with the digest, size and platforms of its image.
public struct ImageRow: Sendable {
    /// The name without the parts that Docker omits.
    public let name: String
    /// The image ID: the digest of the configuration, or of an index of several images.
    public let id: Digest
    /// The digest of the manifest or index in the store.
    public let digest: Digest
    /// The digest of the manifest or index in a registry; nil if an export compresses layers and so changes it.
    let registryDigest: Digest?
    /// The bytes of all layers as they are stored, each counted once; a built image's layers are plain until an export.
    public let compressedSize: Int64
    /// The platforms.
    public let platforms: [String]

    /// Reads the rows of all names.
    public static func all(in store: Store) throws -> [ImageRow] {
        try store.summaries().map { summary in
            ImageRow(
                name: try Reference(summary.name).familiar, id: summary.id, digest: summary.digest,
                registryDigest: summary.isDeferred ? nil : summary.digest, compressedSize: summary.size,
                platforms: summary.platforms)
        }
    }

    /// Returns the document of `thaw images --format json`.
    public static func document(_ rows: [ImageRow]) -> JSON {
        .document("images", ["images": .array(rows.map(\.json))])
    }

    private var json: JSON {
        .object([
            "name": .string(name), "id": .string("\(id)"), "digest": .string("\(digest)"),
            "compressedSize": .integer(compressedSize), "platforms": .strings(platforms),
        ])
    }

    /// The digest in a registry, with Docker's word for none.
    var digestText: String { registryDigest.map { "\($0)" } ?? "<none>" }

    /// Returns the lines of `thaw images --format text`.
    static func text(_ rows: [ImageRow], digests: Bool) -> [String] {
        func column(_ value: (ImageRow) -> String) -> [String] {
            let values = rows.map(value)
            let width = values.map(\.count).max() ?? 0
            return values.map { $0 + String(repeating: " ", count: width - $0.count) }
        }
        let columns = zip(column(\.name), column(\.digestText))
        return zip(rows, columns).map { row, text in
            let platforms = row.platforms.count > 1 ? "  " + row.platforms.joined(separator: " ").visibleLine : ""
            let digest = digests ? "  \(text.1)" : ""
            return "\(text.0)\(digest)  \(row.id.short)  \(ByteCount(row.compressedSize))\(platforms)"
        }
    }
}
