public import OCI

/// Something about an image that somebody should know, and what to do about it.
public struct Finding: Sendable, Equatable {
    /// How much it matters.
    public enum Severity: String, Sendable, CaseIterable, Comparable {
        case error, warning, info

        public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// The rule's name; stable.
    public let id: String
    /// How much it matters.
    public let severity: Severity
    /// One sentence.
    public let message: String
    /// The bytes that could go; 0 where it is not about bytes.
    public let bytes: Int64
    /// What those bytes cost in a pull, estimated.
    public let compressedBytes: Int64
    /// The layer to change; nil where it is the configuration or several layers.
    public let layer: Int?
    /// What to do.
    public let fix: String
    /// Examples, at most ten.
    public let paths: [ImagePath]

    /// A finding of known parts.
    public init(
        id: String, severity: Severity, message: String, bytes: Int64 = 0, compressedBytes: Int64 = 0,
        layer: Int? = nil,
        fix: String, paths: some Sequence<ImagePath> = []
    ) {
        self.id = id
        self.severity = severity
        self.message = message
        self.bytes = bytes
        self.compressedBytes = compressedBytes
        self.layer = layer
        self.fix = fix
        self.paths = Array(paths.prefix(10))
    }

    /// What matters most first: severity, bytes, name, layer.
    static func inOrder(_ left: Finding, _ right: Finding) -> Bool {
        if left.severity != right.severity { return left.severity < right.severity }
        return (right.bytes, left.id, left.layer ?? -1, left.message)
            < (left.bytes, right.id, right.layer ?? -1, right.message)
    }

    /// How much that many bytes matter.
    static func severity(of bytes: Int64) -> Severity { bytes >= 1_000_000 ? .warning : .info }
}
