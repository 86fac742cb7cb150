/// A piece of an instruction as it stands in the file: quotes, escapes and `$` forms untouched.
public struct Word: Hashable, Sendable {
    /// The text before expansion.
    public let text: String
    /// Where it starts.
    public let position: Position

    /// A word at a place.
    public init(_ text: String, at position: Position) {
        self.text = text
        self.position = position
    }

    /// Whether expanding it may give anything but the text itself.
    public var mayExpand: Bool {
        text.utf8.contains {
            $0 == Ascii.dollar || $0 == Ascii.quote || $0 == Ascii.apostrophe || $0 == Ascii.backslash
                || $0 == Ascii.backtick
        }
    }

    /// The word expanded with the values that `lookup` knows.
    ///
    /// - Parameter escape: the file's escape character, `\` or a backtick.
    /// - Throws: a ``Diagnostic`` with BuildKit's text, at this word.
    public func expanded(escape: UInt8, lookup: @escaping (String) -> String?) throws(Diagnostic) -> String {
        try expansion(escape: escape, lookup: lookup).text
    }

    /// The expanded word, and the names it asked for in vain.
    func expansion(
        escape: UInt8, lookup: @escaping (String) -> String?
    ) throws(Diagnostic) -> (text: String, unset: [String]) {
        guard mayExpand else { return (text, []) }
        var expander = Expander(Array(text.utf8), Expander.Options(escape: escape), lookup: lookup)
        do { return (try expander.expanded(), expander.unset) } catch { throw Diagnostic(position, error.message) }
    }

    /// The word expanded and then split at blanks that aren't quoted, as EXPOSE wants it.
    public func expandedWords(escape: UInt8, lookup: @escaping (String) -> String?) throws(Diagnostic) -> [String] {
        var expander = Expander(Array(text.utf8), Expander.Options(escape: escape), lookup: lookup)
        do { return try expander.words() } catch { throw Diagnostic(position, error.message) }
    }
}
