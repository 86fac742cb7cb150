/// The patterns of a `.dockerignore` file, or of the `--exclude` flags of a COPY.
///
/// Patterns are anchored at the root, `**` means any depth, and `!` includes paths again. The last pattern that matches
/// a path or a directory above it decides. A path that no pattern matches is included.
public struct IgnoreRules: Sendable {
    /// One line of the file, or one flag.
    public struct Rule: Sendable {
        /// The line of the file, from 1; for `--exclude` the number of the flag.
        public let line: Int
        /// The pattern, without `!`.
        public let pattern: String
        /// True for `!`: paths that match are included again.
        public let isNegated: Bool
        fileprivate let matcher: Matcher
        fileprivate let segments: [Glob?]
    }

    /// The rules in order.
    public private(set) var rules: [Rule] = []

    /// Makes an empty list, which includes everything.
    public init() {}

    /// Parses an ignore file.
    ///
    /// - Throws: A ``Diagnostic`` at the line of a pattern that is a syntax error, or a lone `!`.
    public init(parsing bytes: [UInt8]) throws(Diagnostic) {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
        for (index, raw) in text.split(separator: Ascii.newline, omittingEmptySubsequences: false).enumerated() {
            guard raw.first != Ascii.hash else { continue }
            var line = raw.trimmingBlanks()
            guard let first = line.first else { continue }
            if first == Ascii.bang { line = line.dropFirst().trimmingBlanks() }
            var pattern = line.isEmpty ? "" : PathText.clean(line.text)
            if pattern.utf8.count > 1, pattern.utf8.first == Ascii.slash { pattern.removeFirst() }
            try add(pattern, isNegated: first == Ascii.bang, line: index + 1)
        }
    }

    /// Parses the patterns of `--exclude` flags, in order.
    ///
    /// - Throws: A ``Diagnostic`` at the word that is a syntax error, or a lone `!`.
    public init(excluding words: [Word]) throws(Diagnostic) {
        for (index, word) in words.enumerated() {
            let text = word.text.trimmed
            guard !text.isEmpty else { continue }
            let cleaned = PathText.clean(text)
            let isNegated = cleaned.utf8.first == Ascii.bang
            let pattern = isNegated ? cleaned.utf8.dropFirst().text : cleaned
            do { try add(pattern, isNegated: isNegated, line: index + 1) } catch {
                throw Diagnostic(word.position, error.message)
            }
        }
    }

    private mutating func add(_ pattern: String, isNegated: Bool, line: Int) throws(Diagnostic) {
        let place = Position(line: line, column: 1)
        guard !pattern.isEmpty else { throw Diagnostic(place, "illegal exclusion pattern: \"!\"") }
        guard let matcher = Matcher(pattern) else {
            throw Diagnostic(place, "syntax error in pattern: \(pattern.goQuoted)")
        }
        rules.append(
            Rule(
                line: line, pattern: pattern, isNegated: isNegated, matcher: matcher,
                segments: isNegated ? Self.segments(pattern) : []))
    }

    /// Returns the rule that decides about a path, or nil if none matches.
    ///
    /// - Parameter path: A path relative to the root, without leading or trailing slash.
    public func decidingRule(for path: some Collection<UInt8>) -> Rule? {
        if rules.isEmpty { return nil }
        let bytes = Array(path)
        lazy var characters = bytes.characters
        return rules.last { $0.matcher.matches(bytes, characters) }
    }

    /// True if a path is excluded.
    public func excludes(_ path: some Collection<UInt8>) -> Bool {
        guard let rule = decidingRule(for: path) else { return false }
        return !rule.isNegated
    }

    /// True if a path is excluded.
    public func excludes(_ path: String) -> Bool { excludes(path.utf8) }

    /// True if an excluded directory must still be walked, because a `!` may include a path below it.
    public func mayContainIncluded(_ directory: some Collection<UInt8>) -> Bool {
        let segments = Array(directory).split(separator: Ascii.slash).map(\.characters)
        return rules.contains { $0.isNegated && Self.reaches($0.segments, below: segments) }
    }

    /// True if an excluded directory must still be walked, because a `!` may include a path below it.
    public func mayContainIncluded(_ directory: String) -> Bool { mayContainIncluded(directory.utf8) }

    /// True if any pattern starts with `!`.
    public var hasNegations: Bool { rules.contains(where: \.isNegated) }

    /// Returns one glob for each segment; nil for a segment that may match any number of segments.
    private static func segments(_ pattern: String) -> [Glob?] {
        pattern.utf8.split(separator: Ascii.slash).map { segment in
            let characters = segment.characters
            let crosses = characters.contains(UInt32(Ascii.openBracket)) || characters.contains(UInt32(Ascii.backslash))
            let glob = crosses ? nil : Glob(characters, doubleStars: true)
            let isDeep = glob?.tokens.contains { $0 == .rest || $0 == .directories } ?? true
            return isDeep ? nil : glob
        }
    }

    private static func reaches(_ pattern: [Glob?], below directory: [[UInt32]]) -> Bool {
        for (segment, glob) in zip(directory, pattern) {
            guard let glob else { return true }
            guard glob.matches(segment, orParent: false) else { return false }
        }
        return true
    }
}

/// A pattern in the form that is cheapest to match.
private enum Matcher: Sendable {
    case exact([UInt8])
    case prefix([UInt8])
    /// `**/x` and, as in BuildKit, `**x`: any path with this suffix.
    case suffix([UInt8])
    case glob(Glob)

    init?(_ pattern: String) {
        guard Glob(pattern.utf8.characters, doubleStars: false) != nil,
            let glob = Glob(pattern.utf8.characters, doubleStars: true)
        else { return nil }
        let bytes = Array(pattern.utf8)
        let stars = bytes.starts(with: [Ascii.star, Ascii.star])
        let plain = { (part: ArraySlice<UInt8>) in !part.contains { "*?[]\\".utf8.contains($0) } }
        if plain(bytes[...]) {
            self = .exact(bytes)
        } else if stars, plain(bytes.dropFirst(2)) {
            self = .suffix(Array(bytes.dropFirst(2)))
        } else if bytes.suffix(2).elementsEqual([Ascii.star, Ascii.star]), plain(bytes.dropLast(2)) {
            self = .prefix(Array(bytes.dropLast(2)))
        } else {
            self = .glob(glob)
        }
    }

    /// True if the pattern matches the path or a directory above it.
    ///
    /// - Parameter characters: The characters of the path, which only some patterns need.
    func matches(_ path: [UInt8], _ characters: @autoclosure () -> [UInt32]) -> Bool {
        switch self {
        case .exact(let text): path.starts(with: text) && (path.count == text.count || path[text.count] == Ascii.slash)
        case .prefix(let text): path.starts(with: text)
        case .suffix(let text): Self.ends(path, with: text)
        case .glob(let glob): glob.matches(characters(), orParent: true)
        }
    }

    private static func ends(_ path: [UInt8], with text: [UInt8]) -> Bool {
        guard let first = text.first else { return true }
        if first == Ascii.slash, path.starts(with: text.dropFirst()),
            path.count == text.count - 1 || path[text.count - 1] == Ascii.slash
        {
            return true
        }
        guard path.count >= text.count else { return false }
        return (0...(path.count - text.count)).contains { start in
            let end = start + text.count
            return (end == path.count || path[end] == Ascii.slash) && path[start..<end].elementsEqual(text)
        }
    }
}
