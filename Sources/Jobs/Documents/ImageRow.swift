public import Linux
public import OCI

/// One name of the store with the digest, size and platforms of its image.
public struct ImageRow: Sendable {
    /// The name without the parts that Docker omits.
    public let name: String
    /// The digest of the manifest or index.
    public let digest: Digest
    /// The bytes of all layers, each counted once.
    public let compressedSize: Int64
    /// The platforms.
    public let platforms: [String]

    /// Reads the rows of all names.
    public static func all(in store: Store) throws -> [ImageRow] {
        try store.images().map { try ImageRow($0, $1, in: store) }
    }

    private init(_ name: String, _ descriptor: Descriptor, in store: Store) throws {
        self.name = try Reference(name).familiar
        digest = descriptor.digest
        let images = try ImageSet(descriptor, in: store).images()
        let layers = images.flatMap(\.layers).map(\.descriptor)
        compressedSize = Dictionary(layers.map { ($0.digest, $0.size) }, uniquingKeysWith: { first, _ in first })
            .values.reduce(0, +)
        platforms = images.map(\.config.platform.description)
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
