internal import Glibc
public import Linux
internal import OCI

/// The rows of `thaw images` in the forms that Docker prints.
public struct ImageTable {
    private let rows: [ImageRow]

    /// Makes a table of the rows that a name and filters choose.
    ///
    /// - Parameters:
    ///   - name: A repository, with or without a tag; nil for all.
    ///   - filters: `reference=PATTERN` or `dangling=BOOL`, as in Docker; all must hold.
    /// - Throws: A usage failure for another filter.
    public init(_ rows: [ImageRow], named name: String?, filters: [String]) throws {
        var chosen = rows
        if let name { chosen = chosen.filter { $0.name == name || $0.repository == name } }
        for filter in filters {
            let parts = filter.split(separator: "=", maxSplits: 1).map(String.init)
            switch (parts.first, parts.count > 1 ? parts[1] : "") {
            case ("reference", let pattern): chosen = chosen.filter { $0.matches(pattern) }
            case ("dangling", "true"), ("dangling", "1"): chosen = []
            case ("dangling", "false"), ("dangling", "0"): break
            default:
                throw Failure(
                    "there is no filter '\(filter.visibleLine)'", remedy: "use reference=PATTERN or dangling=false",
                    status: .usage)
            }
        }
        self.rows = chosen
    }

    /// The image IDs of `-q`, one a line, each once.
    public func identifiers(isTruncated: Bool) -> String {
        var seen: Set<Digest> = []
        return rows.filter { seen.insert($0.id).inserted }
            .map { (isTruncated ? $0.id.short : "\($0.id)") + "\n" }.joined()
    }

    /// The lines of a template.
    public func text(_ template: Template, isTruncated: Bool) throws -> String {
        try template.text(of: rows.map { $0.fields(isTruncated: isTruncated) }, titles: ImageRow.titles)
    }

    /// The lines of `--format text`; `digests` adds a column.
    public func text(digests: Bool) -> String {
        ImageRow.text(rows, digests: digests).map { $0 + "\n" }.joined()
    }

    /// The document of `--format json`.
    public var document: JSON { ImageRow.document(rows) }
}

extension ImageRow {
    fileprivate static let titles = [
        "Repository": "REPOSITORY", "Tag": "TAG", "ID": "IMAGE ID", "Digest": "DIGEST", "Size": "SIZE",
        "Platform": "PLATFORM",
    ]

    fileprivate var repository: String { TaggedName(name).repository }

    fileprivate func matches(_ pattern: String) -> Bool {
        let whole = pattern.split(separator: "/").last?.contains(":") == true ? name : repository
        return unsafe fnmatch(pattern, whole, FNM_PATHNAME) == 0
    }

    fileprivate func fields(isTruncated: Bool) -> JSON {
        let split = TaggedName(name)
        return .object([
            "Repository": .string(split.repository.visibleLine), "Tag": .string((split.tag ?? "<none>").visibleLine),
            "ID": .string(isTruncated ? id.short : "\(id)"), "Digest": .string(digestText),
            "Size": .string("\(ByteCount(compressedSize))"), "Platform": .string(platforms.joined(separator: ",")),
        ])
    }
}

/// A name as people write it, split at its tag.
struct TaggedName {
    let repository: String
    let tag: String?

    /// Splits a name; a colon before a slash belongs to the registry's port.
    init(_ name: String) {
        guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else {
            (repository, tag) = (name, nil)
            return
        }
        (repository, tag) = (String(name[..<colon]), String(name[name.index(after: colon)...]))
    }
}
