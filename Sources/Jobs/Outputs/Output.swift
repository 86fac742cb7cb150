internal import Frontend
public import OCI
internal import SystemPackage

/// One `-o`: the destination and the form of a build's result.
public struct Output: Sendable {
    /// The type of the output.
    public enum Kind: String, CaseIterable, Sendable {
        case oci, docker, image, registry, local, tar, cacheonly

        /// True if the output is an image; false for its files or nothing.
        public var isImage: Bool { self != .local && self != .tar && self != .cacheonly }
    }

    /// The type.
    public let kind: Kind
    /// The names of the image; if empty, those of `-t`.
    public var names: [Reference] = []
    /// A file or a directory; `-` is stdout.
    public internal(set) var destination: String?
    /// True if an OCI layout is written as a tar.
    var isTar = true
    /// True if the image is pushed to its names.
    public var isPushed = false
    var isPushedByDigest = false
    var isInsecure = false
    var isSplit: Bool?
    var mode = DirectoryExport.ForeignFiles.copy
    /// The compression and media types of layers.
    public internal(set) var form = LayerForm()
    /// The form of the manifest with attestations.
    var attestationForm = AttestationForm.artifact
    /// The beginning of the names of files with attestations.
    var attestationPrefix = ""
    /// The annotations of this output alone.
    public internal(set) var annotations = Annotations()

    /// True if the output is one stream of bytes; false for a directory.
    public var hasStream: Bool { kind == .tar || kind == .docker || kind == .oci && isTar }

    /// True if the output has a place for attestations; Docker's archive has none.
    var hasAttestations: Bool { kind.isImage && kind != .docker }

    /// Makes an output without names and destination.
    public init(_ kind: Kind) {
        self.kind = kind
        isPushed = kind == .registry
    }

    /// Reads `type=TYPE,KEY=VALUE,...` as buildx has it; a text without `type=` is a directory, `-` a tar on stdout.
    public init(parsing text: String) throws {
        let fields = try CSV.fields(text, "-o")
        if fields.count == 1, fields[0] == text, !text.hasPrefix("type=") {
            self.init(text == "-" ? .tar : .local)
            destination = text
            try check(text)
            return
        }
        var pairs: [(key: String, value: String)] = []
        for field in fields {
            guard let equals = field.firstIndex(of: "=") else {
                throw Failure("-o '\(text)': '\(field)' is not KEY=VALUE", status: .usage)
            }
            let key = field[..<equals].trimmingSpaces
            // Keys of annotations have letters of both cases; all others are lower-case.
            pairs.append(
                (key.hasPrefix("annotation") ? key : key.lowercased(), String(field[field.index(after: equals)...])))
        }
        guard let type = pairs.last(where: { $0.key == "type" })?.value else {
            throw Failure("-o '\(text)' has no type", remedy: Self.typesRemedy, status: .usage)
        }
        guard let kind = Kind(rawValue: type) else {
            let ending = Suggestion.ending(for: type, in: Kind.allCases.map(\.rawValue))
            throw Failure(
                "-o '\(text)': '\(type)' is no type of output\(ending)", remedy: Self.typesRemedy, status: .usage)
        }
        self.init(kind)
        for (key, value) in pairs where key != "type" { try set(key, value) }
        try check(text)
    }

    private static let typesRemedy = "types are " + Kind.allCases.map(\.rawValue).joined(separator: ", ")
}
