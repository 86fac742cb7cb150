internal import Linux
public import OCI
public import SystemPackage

/// The image that growth is measured against.
public struct GateBaseline: Sendable, Equatable {
    /// The name for people.
    public let name: String
    /// The compressed size of all layers.
    public let compressedSize: Int64
    /// The digests of the layers' tars, or of their blobs; empty if they are not known.
    let layers: Set<Digest>
    /// The figures of its start; nil for a baseline of sizes.
    let start: StartBaseline?

    /// True if it has the figures of a start.
    public var hasStart: Bool { start != nil }

    /// Takes an image as the baseline.
    public init(_ image: Image, named name: String) {
        self.name = name
        compressedSize = image.compressedSize
        layers = Set(image.layers.map(\.diffID))
        start = nil
    }

    /// Reads a file with such a document.
    public init(reading path: FilePath) throws {
        let file = try OwnedDescriptor(path, [.read, .nonBlocking])
        guard try file.status().type == .regular else {
            throw Failure("the baseline '\(path)' is not a regular file", status: .usage)
        }
        try self.init(parsing: file.readAll(limit: 256 << 20), file: path.string)
    }

    /// Reads a document of `thaw analyze`, `gate`, `boot` or `optimize`; another one is a usage failure.
    public init(parsing bytes: [UInt8], file: String) throws {
        guard let whole = try? JSON(parsing: bytes, what: file) else {
            throw Failure("the baseline '\(file)' is not JSON", status: .usage)
        }
        let document = whole["kind"]?.string == "optimization" ? whole["analysis"] ?? whole : whole
        guard let kind = document["kind"]?.string, ["analysis", "gate", "boot"].contains(kind),
            let size = document["image"]?["compressedSize"]?.integer, size >= 0
        else {
            throw Failure(
                "the baseline '\(file)' is no report of thaw",
                remedy: "make one with thaw analyze --format json -o FILE IMAGE", status: .usage)
        }
        name = file
        compressedSize = size
        start = StartBaseline(document)
        layers = Set(
            (document["layers"]?.array ?? []).compactMap { $0["diffID"]?.string }.compactMap { try? Digest($0) })
    }
}
