public import Analysis
internal import Linux
internal import OCI

/// The rows of `thaw history` in the forms that Docker prints.
public struct HistoryTable {
    /// The history.
    public let history: ImageHistory
    /// False to print sizes in bytes and times as they are written.
    public var isHuman = true
    /// False to print whole commands and digests.
    public var isTruncated = true
    /// The seconds since 1970, for ages.
    public let now: Int64

    /// Makes a table of a history at a time.
    public init(_ history: ImageHistory, isHuman: Bool, isTruncated: Bool, now: Int64) {
        (self.history, self.isHuman, self.isTruncated, self.now) = (history, isHuman, isTruncated, now)
    }

    private static let titles = [
        "ID": "IMAGE", "CreatedAt": "CREATED AT", "CreatedSince": "CREATED", "CreatedBy": "CREATED BY",
        "Size": "SIZE", "CompressedSize": "COMPRESSED", "Comment": "COMMENT", "Digest": "DIGEST",
        "DiffID": "DIFF ID",
    ]
    private static let columns = ["CreatedBy", "Size", "CompressedSize", "Comment"]

    /// Returns the table, or the lines of a template.
    public func text(_ template: Template?) throws -> String {
        let age = isHuman ? "CreatedSince" : "CreatedAt"
        let columns = (["ID", age] + Self.columns).map { "{{.\($0)}}" }.joined(separator: "\\t")
        return try (template ?? Template("table " + columns)).text(of: rows, titles: Self.titles)
    }

    /// The lines of `-q`: the image's ID for the newest step, and no ID for the others.
    public var identifiers: String { rows.map { ($0["ID"]?.string ?? "") + "\n" }.joined() }

    private var rows: [JSON] {
        history.entries.enumerated().map { index, entry in row(entry, isNewest: index == 0) }
    }

    private func row(_ entry: HistoryEntry, isNewest: Bool) -> JSON {
        let command = entry.createdBy.visibleLine
        return .object([
            "ID": .string(isNewest ? identifier(history.imageID) : "<missing>"),
            "CreatedAt": .string(entry.created.isEmpty ? "N/A" : entry.created.visibleLine),
            "CreatedSince": .string(age(of: entry)),
            "CreatedBy": .string(isTruncated && command.count > 45 ? "\(command.prefix(44))…" : command),
            "Size": .string(size(entry.size)),
            "CompressedSize": .string(entry.isEmptyLayer ? "-" : size(entry.compressedSize)),
            "Comment": .string(entry.comment.visibleLine),
            "Digest": .string(entry.digest.map(identifier) ?? "-"),
            "DiffID": .string(entry.diffID.map(identifier) ?? "-"),
        ])
    }

    private func identifier(_ digest: Digest) -> String {
        isTruncated ? String(digest.hex.prefix(12)) : digest.description
    }

    private func size(_ bytes: Int64?) -> String {
        bytes.map { isHuman ? "\(ByteCount($0))" : "\($0)" } ?? "-"
    }

    private func age(of entry: HistoryEntry) -> String {
        RFC3339.seconds(entry.created).map { Self.age(now - $0) + " ago" } ?? "N/A"
    }

    /// Returns an age in Docker's words: `About an hour`, `3 weeks`.
    static func age(_ seconds: Int64) -> String {
        let (minutes, hours) = (seconds / 60, seconds / 3600)
        switch seconds {
        case ..<1: return "Less than a second"
        case 1: return "1 second"
        case ..<60: return "\(seconds) seconds"
        case ..<120: return "About a minute"
        case ..<3600: return "\(minutes) minutes"
        case ..<7200: return "About an hour"
        default: break
        }
        switch hours {
        case ..<48: return "\(hours) hours"
        case ..<(24 * 7 * 2): return "\(hours / 24) days"
        case ..<(24 * 30 * 2): return "\(hours / 24 / 7) weeks"
        case ..<(24 * 365 * 2): return "\(hours / 24 / 30) months"
        default: return "\(hours / 24 / 365) years"
        }
    }
}
