/// A function or initialiser of the sources, with the number of its parameters that have no label.
struct Signature {
    /// The name: `add`, `init`.
    let name: String
    /// The number of parameters whose label is `_`.
    let unlabelledCount: Int

    /// Returns the functions and initialisers that a file's lines of code declare.
    static func all(in code: [Substring]) -> [Signature] {
        let text = code.joined(separator: "\n")
        // A call of `init` has a dot or a word before it.
        let declaration = /(?:^|[^.\w])(?:func\s+([^\s(<]+)|(init)[?!]?)\s*(<[^>()]*>)?\(/
        return text.matches(of: declaration).compactMap { match in
            let parameters = Self.parameters(of: text[match.range.upperBound...])
            if match.2 != nil, parameters.contains(where: { !$0.contains(":") }) { return nil }
            let count = parameters.count { $0.hasPrefix("_ ") }
            return Signature(name: String(match.1 ?? "init"), unlabelledCount: count)
        }
    }

    /// Returns the parameters in a text that begins behind an opening parenthesis.
    private static func parameters(of text: Substring) -> [String] {
        var parameters: [String] = []
        var depth = 0
        var current = ""
        for character in text {
            if depth == 0, character == "," || character == ")" {
                // The attributes of a parameter come after its label.
                let words = current.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                if !words.isEmpty { parameters.append(words) }
                if character == ")" { break }
                current = ""
                continue
            }
            if "([{".contains(character) { depth += 1 }
            if ")]}".contains(character) { depth -= 1 }
            if character == "<" { depth += 1 }
            if character == ">", current.last != "-" { depth -= 1 }
            current.append(character)
        }
        return parameters
    }
}
