/// Forms of options that Docker's users write and the argument parser does not read.
///
/// `-tNAME` and `-qt NAME` are split; `--flag=true` and `--flag=false` become the flag, its inverse, or nothing.
struct OptionForms {
    let command: CommandTree

    /// Returns the words after the command's name in the parser's forms.
    func rewritten(_ words: some Sequence<String>) -> [String] {
        var result: [String] = []
        var isValue = false
        var isOver = false
        for word in words {
            if isValue || isOver {
                result.append(word)
                isValue = false
                continue
            }
            isOver = word == "--"
            let forms = self.forms(of: word)
            result += forms
            isValue = forms.last.map(command.options.contains) ?? false
        }
        return result
    }

    private func forms(of word: String) -> [String] {
        if word.hasPrefix("--") { return flag(word) ?? [word] }
        guard word.hasPrefix("-"), word.count > 2 else { return [word] }
        return joined(word.dropFirst()) ?? [word]
    }

    /// Splits `--flag=value`; returns nil for other words.
    private func flag(_ word: String) -> [String]? {
        guard let equals = word.firstIndex(of: "=") else { return nil }
        let name = String(word[..<equals])
        guard command.flags.contains(name), let isSet = Self.truth(word[word.index(after: equals)...]) else {
            return nil
        }
        if isSet { return [name] }
        let inverse = name.hasPrefix("--no-") ? "--" + name.dropFirst(5) : "--no-" + name.dropFirst(2)
        return command.flags.contains(inverse) ? [inverse] : []
    }

    /// Splits joined short options; returns nil if one of them is unknown.
    private func joined(_ letters: Substring) -> [String]? {
        var result: [String] = []
        var rest = letters
        while let letter = rest.popFirst() {
            let name = "-\(letter)"
            result.append(name)
            if command.options.contains(name) {
                let value = rest.first == "=" ? rest.dropFirst() : rest
                return result + (value.isEmpty ? [] : [String(value)])
            }
            guard command.flags.contains(name) else { return nil }
        }
        return result
    }

    /// The words of Go's `strconv.ParseBool`, which Docker's flags read.
    private static func truth(_ text: Substring) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": true
        case "0", "f", "F", "false", "FALSE", "False": false
        default: nil
        }
    }
}
