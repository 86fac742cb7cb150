public import OCI

/// A problem of an image and its fix.
public struct Finding: Sendable, Equatable {
    public enum Severity: String, Sendable, CaseIterable, Comparable {
        case error, warning, info

        public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// The rule's stable name.
    public let id: String
    public let severity: Severity
    /// One sentence for people.
    public let message: String
    /// The bytes that the fix saves; 0 for a finding that is not about bytes.
    public let bytes: Int64
    /// The size of those bytes in a pull: their part of the layers' blobs.
    public let compressedBytes: Int64
    /// The layer to change; nil for the configuration or several layers.
    public let layer: Int?
    /// The remedy, one sentence.
    public let fix: String
    /// Examples, at most ten.
    public let paths: [ImagePath]
    /// The owner of the layers concerned; nil for several owners and for the configuration.
    public internal(set) var owner: BaseImage.LayerOwner?

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

    /// Returns the finding with its owner.
    func owned(_ base: BaseImage, in tree: FileTree) -> Finding {
        var finding = self
        // Ten examples may be a part of the paths, whose other layers are not known here.
        let layers = layer.map { [$0] } ?? (paths.count < 10 ? paths.compactMap { tree.inode(at: $0)?.layer } : [])
        finding.owner = base.owner(of: layers)
        return finding
    }

    /// Orders by importance: severity, bytes, name, layer.
    static func inOrder(_ left: Finding, _ right: Finding) -> Bool {
        if left.severity != right.severity { return left.severity < right.severity }
        return (right.bytes, left.id, left.layer ?? -1, left.message)
            < (left.bytes, right.id, right.layer ?? -1, right.message)
    }

    /// The bytes below which a remark is folded in the text.
    static let smallBytes: Int64 = 100_000

    /// True for a remark about few bytes.
    var isSmall: Bool { severity == .info && bytes > 0 && bytes < Self.smallBytes }

    /// Returns the severity of that many wasted bytes.
    static func severity(of bytes: Int64) -> Severity { bytes >= 1_000_000 ? .warning : .info }
}
