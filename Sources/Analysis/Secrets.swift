internal import ImageFiles
internal import OCI

/// A place in an image with a possible secret.
///
/// The secret itself is never kept.
public struct FoundSecret: Sendable, Hashable {
    /// The name of the rule that matched.
    public let rule: String
    /// The file; `Env NAME` in the configuration; `history N` in the history, from the oldest line.
    public let path: String
    /// The layer; nil for the configuration's environment.
    public let layer: Int?
    /// The line in the file, from 1; nil outside of files.
    public let line: Int?
    /// True if a later layer deletes the file, which removes nothing from the image.
    public let deletedLater: Bool
}

/// A search for secrets in files and in the configuration.
struct SecretScanner {
    private(set) var secrets: [FoundSecret] = []

    /// The search of files, for the pass over the layers.
    static let search = TextSearch(concerns: concerns, find: matches)

    init(_ files: ImageFiles) {
        read(configurationOf: files.image)
        for (id, matches) in files.matches {
            let inode = files.tree.inodes[id]
            secrets += matches.map { match in
                FoundSecret(
                    rule: match.rule, path: inode.path.description, layer: inode.layer, line: match.line,
                    deletedLater: inode.linkCount == 0)
            }
        }
        secrets.sort(by: Self.inOrder)
    }

    private static func inOrder(_ left: FoundSecret, _ right: FoundSecret) -> Bool {
        (left.layer ?? -1, left.path, left.line ?? 0, left.rule) < (
            right.layer ?? -1, right.path, right.line ?? 0, right.rule
        )
    }

    /// The size of the largest file that is searched, in bytes.
    private static let maximumSize: Int64 = 1 << 20
    private static let maximumPerFile = 100

    /// True if a file may contain a secret as text, by its size and name.
    private static func concerns(_ path: ImagePath, _ size: Int64) -> Bool {
        guard size > 0, size <= maximumSize else { return false }
        if let dot = path.name.lastIndex(of: UInt8(ascii: ".")), binaryExtensions.contains(path.name[(dot + 1)...].text)
        {
            return false
        }
        return !isSample(path)
    }

    private static let binaryExtensions: Set<String> = [
        "a", "bz2", "class", "deb", "gif", "gz", "ico", "jar", "jpeg", "jpg", "mo", "o", "otf", "png", "pyc", "so",
        "tgz",
        "ttf", "whl", "woff", "woff2", "xz", "zip", "zst",
    ]
    private static let installed: [ImagePath] = ["usr/lib", "usr/share", "usr/local/lib"].compactMap {
        try? ImagePath($0)
    }
    private static let sampleNames: Set<String> = ["doc", "docs", "example", "examples", "test", "testdata", "tests"]

    /// True for tests and documentation of third-party software, which contain sample keys.
    private static func isSample(_ path: ImagePath) -> Bool {
        let components = path.components
        let isForeign =
            installed.contains(where: path.isWithin)
            || components.contains { $0.elementsEqual("node_modules".utf8) || $0.elementsEqual("site-packages".utf8) }
        return isForeign && components.dropLast().contains { sampleNames.contains($0.text) }
    }

    /// Searches a file's content.
    ///
    /// A line counts once: a token's own rule is more specific than the file's.
    private static func matches(in bytes: [UInt8], at path: ImagePath) -> [TextSearch.Match] {
        guard !bytes.prefix(1024).contains(0) else { return [] }
        var matches: [TextSearch.Match] = []
        var lines: Set<Int> = []
        for hits in [SecretRules.matches(in: bytes), SecretRules.matches(in: bytes, of: path)] {
            var (line, counted) = (1, 0)
            for hit in hits where lines.count < maximumPerFile {
                line += bytes[counted..<hit.offset].count { $0 == UInt8(ascii: "\n") }
                counted = hit.offset
                guard lines.insert(line).inserted else { continue }
                matches.append(TextSearch.Match(rule: hit.rule, line: line))
            }
        }
        return matches
    }

    /// Searches the environment and the history.
    private mutating func read(configurationOf image: Image) {
        for variable in image.config.environment {
            let name = variable.prefix { $0 != "=" }
            for rule in Self.rules(in: variable) {
                secrets.append(FoundSecret(rule: rule, path: "Env \(name)", layer: nil, line: nil, deletedLater: false))
            }
        }
        for (index, step) in ImageHistory.steps(of: image).enumerated() {
            for rule in Self.rules(in: step.history?.createdBy ?? "") {
                secrets.append(
                    FoundSecret(rule: rule, path: "history \(index)", layer: step.layer, line: nil, deletedLater: false)
                )
            }
        }
    }

    private static func rules(in text: String) -> [String] {
        let bytes = Array(text.utf8)
        var rules = Set(SecretRules.matches(in: bytes).map(\.rule))
        if text.split(whereSeparator: \.isWhitespace).contains(where: SecretRules.isSecretAssignment) {
            rules.insert("secret-variable")
        }
        if SecretRules.hasCredentials(url: bytes[...]) { rules.insert("url-credentials") }
        return rules.sorted()
    }
}
