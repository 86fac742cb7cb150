internal import Linux

extension String {
    /// The text in one line of Markdown, also in a table's cell; nothing in it is markup.
    public var markdown: String {
        let special = Set("\\`*_{}[]<>()#~|!&@".unicodeScalars)
        var result = String.UnicodeScalarView()
        for scalar in visibleLine.unicodeScalars {
            if special.contains(scalar) { result.append("\\") }
            result.append(scalar)
        }
        return String(result)
    }
}
