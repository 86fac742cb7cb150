/// A COPY or ADD source with wildcards, in the syntax of Go's `path.Match`.
///
/// `*` matches within a path segment, `?` one character, `[a-z]` and `[^x]` sets. A backslash makes the next character
/// literal. There is no `**`.
public struct PathPattern: Sendable {
    private let glob: Glob

    /// Compiles a pattern; returns nil for a syntax error in Go (an open `[`, a trailing backslash).
    public init?(_ text: some Sequence<UInt8>) {
        guard let glob = Glob(text.characters, doubleStars: false) else { return nil }
        self.glob = glob
    }

    /// True if the pattern matches the whole path.
    public func matches(_ path: some Sequence<UInt8>) -> Bool { glob.matches(path.characters, orParent: false) }

    /// True if a source has an unescaped `*`, `?` or `[`; only then a source without a match is no error.
    public static func hasWildcards(_ text: some Sequence<UInt8>) -> Bool {
        var escaped = false
        for byte in text {
            if !escaped, byte == Ascii.star || byte == Ascii.question || byte == Ascii.openBracket { return true }
            escaped = !escaped && byte == Ascii.backslash
        }
        return false
    }
}

/// Operations on paths as text, like Go's `path.Clean`.
public enum PathText {
    /// Returns the shortest equal path: no `.` segments, no doubled slashes, `..` resolved; "." for an empty path.
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

    /// Returns the cleaned `path`, which is relative to `directory` unless it is absolute.
    public static func join(_ directory: String, _ path: String) -> String {
        clean(path.utf8.first == Ascii.slash ? path : "\(directory)/\(path)")
    }
}
