/// A word of an instruction before expansion, with its quotes, escapes and `$` forms.
public struct Word: Hashable, Sendable {
    /// The text before expansion.
    public let text: String
    /// The position of its first byte.
    public let position: Position

    public init(_ text: String, at position: Position) {
        self.text = text
        self.position = position
    }

    /// True if expansion may change the text.
    public var mayExpand: Bool {
        text.utf8.contains {
            $0 == Ascii.dollar || $0 == Ascii.quote || $0 == Ascii.apostrophe || $0 == Ascii.backslash
                || $0 == Ascii.backtick
        }
    }

    /// Expands the word with the values of `lookup`.
    ///
    /// - Parameter escape: The file's escape character, `\` or a backtick.
    /// - Throws: A ``Diagnostic`` with BuildKit's text, at this word.
    public func expanded(escape: UInt8, lookup: @escaping (String) -> String?) throws(Diagnostic) -> String {
        try expansion(escape: escape, lookup: lookup).text
    }

    /// Expands the word; `unset` has the names of the variables that are not set.
    func expansion(
        escape: UInt8, lookup: @escaping (String) -> String?
    ) throws(Diagnostic) -> (text: String, unset: [String]) {
        guard mayExpand else { return (text, []) }
        var expander = Expander(Array(text.utf8), Expander.Options(escape: escape), lookup: lookup)
        do { return (try expander.expanded(), expander.unset) } catch { throw Diagnostic(position, error.message) }
    }

    /// Returns the names that an expansion with these values looks up.
    func variables(in values: [String: String], escape: UInt8) -> Set<String> {
        final class Names {
            var all: Set<String> = []
        }
        let names = Names()
        // A word that can't be expanded uses at least the variables before the error.
        _ = try? expanded(escape: escape) { name in
            names.all.insert(name)
            return values[name]
        }
        return names.all
    }

    /// Expands the word and splits it at blanks that aren't quoted, for EXPOSE.
    public func expandedWords(escape: UInt8, lookup: @escaping (String) -> String?) throws(Diagnostic) -> [String] {
        var expander = Expander(Array(text.utf8), Expander.Options(escape: escape), lookup: lookup)
        do { return try expander.words() } catch { throw Diagnostic(position, error.message) }
    }
}
