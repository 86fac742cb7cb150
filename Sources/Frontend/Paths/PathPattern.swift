/// A COPY or ADD source with wildcards, in the language of Go's `path.Match`.
///
/// `*` matches within a path segment, `?` one character, `[a-z]` and `[^x]` sets, a backslash takes the next character
/// as it is. There is no `**`.
public struct PathPattern: Sendable {
    private let glob: Glob

    /// A pattern, or nil for one that Go calls a syntax error (an open `[`, a trailing backslash).
    public init?(_ text: some Sequence<UInt8>) {
        guard let glob = Glob(text.characters, doubleStars: false) else { return nil }
        self.glob = glob
    }

    /// Whether the pattern matches the whole path.
    public func matches(_ path: some Sequence<UInt8>) -> Bool { glob.matches(path.characters, orParent: false) }

    /// Whether a source has an unescaped `*`, `?` or `[`: only then a source without match is no error.
    public static func hasWildcards(_ text: some Sequence<UInt8>) -> Bool {
        var escaped = false
        for byte in text {
            if !escaped, byte == Ascii.star || byte == Ascii.question || byte == Ascii.openBracket { return true }
            escaped = !escaped && byte == Ascii.backslash
        }
        return false
    }
}

/// Paths as text, as Go's `path.Clean` sees them.
public enum PathText {
    /// The shortest equal path: no `.` segments, no doubled slashes, `..` resolved; "." for an empty one.
    public static func clean(_ path: String) -> String {
        let isAbsolute = path.utf8.first == Ascii.slash
        var segments: [Substring.UTF8View] = []
        for segment in path.utf8.split(separator: Ascii.slash) where !segment.elementsEqual(".".utf8) {
            guard segment.elementsEqual("..".utf8) else {
                segments.append(segment)
                continue
            }
            if let last = segments.last, !last.elementsEqual("..".utf8) {
                segments.removeLast()
            } else if !isAbsolute {
                segments.append(segment)
            }
        }
        let joined = segments.map { Array($0).text }.joined(separator: "/")
        return isAbsolute ? "/" + joined : joined.isEmpty ? "." : joined
    }

    /// `path` itself if it is absolute, else below `directory`; cleaned.
    public static func join(_ directory: String, _ path: String) -> String {
        clean(path.utf8.first == Ascii.slash ? path : "\(directory)/\(path)")
    }
}
