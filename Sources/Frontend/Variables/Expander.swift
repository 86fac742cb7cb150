/// The error of an expansion, with BuildKit's text.
struct ExpansionFailure: Error {
    let message: String

    init(_ message: String) { self.message = message }
}

/// The expansion of `$` forms and the removal of quotes and escapes, like BuildKit's shell lexer.
struct Expander {
    /// The forms that are not expanded or removed.
    struct Options {
        var escape = Ascii.backslash
        var keepsQuotes = false
        var keepsEscapes = false
        var keepsUnset = false
        /// True if quotes are ordinary characters, as in the body of a heredoc.
        var ignoresQuotes = false
        /// True if blanks after `<<` are part of the word that opens a heredoc.
        var joinsHeredocs = false
    }

    /// The limit of nesting, which protects the stack.
    private static let deepest = 100
    /// The limit of expanded text in bytes, which protects memory from variables that double each other.
    private static let longest = 16 << 20

    private let source: [UInt8]
    private let options: Options
    private let lookup: (String) -> String?
    private var index = 0
    private var keepsEscapes: Bool
    private var depth = 0
    private var written = 0
    /// The names that were looked up but not set, in order of appearance.
    private(set) var unset: [String] = []

    init(_ source: [UInt8], _ options: Options = Options(), lookup: @escaping (String) -> String?) {
        self.source = source
        self.options = options
        self.lookup = lookup
        keepsEscapes = options.keepsEscapes
    }

    /// Expands the whole word.
    mutating func expanded() throws(ExpansionFailure) -> String {
        var words = WordSplitter()
        return try wrapped { (me) throws(ExpansionFailure) in try me.text(until: nil, raw: me.keepsEscapes, &words) }
            .text
    }

    /// Expands the word and splits it at blanks that aren't quoted.
    mutating func words() throws(ExpansionFailure) -> [String] {
        var words = WordSplitter()
        _ = try wrapped { (me) throws(ExpansionFailure) in try me.text(until: nil, raw: me.keepsEscapes, &words) }
        return words.finished()
    }

    private mutating func wrapped(
        _ body: (inout Expander) throws(ExpansionFailure) -> [UInt8]
    ) throws(ExpansionFailure) -> [UInt8] {
        do { return try body(&self) } catch {
            let shown = source.count > 1000 ? source.prefix(1000).text + "…" : source.text
            throw ExpansionFailure("failed to process \(shown.goQuoted): \(error.message)")
        }
    }

    private var peek: UInt8? { index < source.count ? source[index] : nil }

    private mutating func take() -> UInt8? {
        guard let byte = peek else { return nil }
        index += 1
        return byte
    }

    /// Expands the text up to `stop`, which is consumed, or to the end.
    private mutating func text(
        until stop: UInt8?, raw: Bool, _ words: inout WordSplitter
    ) throws(ExpansionFailure) -> [UInt8] {
        depth += 1
        guard depth <= Self.deepest else { throw ExpansionFailure("substitutions are nested too deeply") }
        let outer = keepsEscapes
        keepsEscapes = raw
        defer {
            keepsEscapes = outer
            depth -= 1
        }
        var result: [UInt8] = []
        while let byte = peek {
            if byte == stop {
                index += 1
                return result
            }
            try piece(after: byte, into: &result, words: &words)
        }
        if let stop {
            let wanted = String(Unicode.Scalar(stop))
            throw ExpansionFailure("unexpected end of statement while looking for matching \(wanted)")
        }
        return result
    }

    private mutating func piece(
        after byte: UInt8, into result: inout [UInt8], words: inout WordSplitter
    ) throws(ExpansionFailure) {
        switch byte {
        case Ascii.dollar:
            let value = try dollar()
            result += value
            words.add(value)
        case Ascii.apostrophe where !options.ignoresQuotes:
            let value = try singleQuoted()
            result += value
            words.addQuoted(value)
        case Ascii.quote where !options.ignoresQuotes:
            let value = try doubleQuoted()
            result += value
            words.addQuoted(value)
        case options.escape:
            escaped(&result, &words)
        case Ascii.less where options.joinsHeredocs:
            let opening = heredocOpening()
            result += opening
            words.addQuoted(opening)
        default:
            index += 1
            result.append(byte)
            words.add(byte)
        }
    }

    /// Reads `<`, or `<<` with the blanks after it.
    private mutating func heredocOpening() -> [UInt8] {
        let start = index
        index += 1
        guard peek == Ascii.less else { return [Ascii.less] }
        index += 1
        while let byte = peek, byte.isBlank, byte != Ascii.newline { index += 1 }
        return Array(source[start..<index])
    }

    private mutating func escaped(_ result: inout [UInt8], _ words: inout WordSplitter) {
        index += 1
        if keepsEscapes {
            result.append(options.escape)
            words.addQuoted([options.escape])
        }
        guard let byte = take() else { return }
        result.append(byte)
        words.addQuoted([byte])
    }

    private mutating func singleQuoted() throws(ExpansionFailure) -> [UInt8] {
        let start = index
        guard let end = source[(start + 1)...].firstIndex(of: Ascii.apostrophe) else {
            index = source.count
            throw ExpansionFailure("unexpected end of statement while looking for matching single-quote")
        }
        index = end + 1
        return Array(options.keepsQuotes ? source[start...end] : source[(start + 1)..<end])
    }

    private mutating func doubleQuoted() throws(ExpansionFailure) -> [UInt8] {
        index += 1
        var result: [UInt8] = options.keepsQuotes ? [Ascii.quote] : []
        while let byte = peek {
            switch byte {
            case Ascii.quote:
                index += 1
                return options.keepsQuotes ? result + [byte] : result
            case Ascii.dollar: result += try dollar()
            case options.escape: escapedInQuotes(&result)
            default:
                index += 1
                result.append(byte)
            }
        }
        throw ExpansionFailure("unexpected end of statement while looking for matching double-quote")
    }

    /// Reads an escape in double quotes, where it applies only to `"`, `$` and itself.
    private mutating func escapedInQuotes(_ result: inout [UInt8]) {
        index += 1
        if keepsEscapes { result.append(options.escape) }
        guard let byte = peek else { return }
        if byte == Ascii.quote || byte == Ascii.dollar || byte == options.escape {
            index += 1
            result.append(byte)
        } else if !keepsEscapes {
            result.append(options.escape)
        }
    }

    // MARK: substitutions

    private mutating func dollar() throws(ExpansionFailure) -> [UInt8] {
        index += 1
        let value = try peek == Ascii.openBrace ? braced() : bare()
        written += value.count
        guard written <= Self.longest else { throw ExpansionFailure("expands to more than 16 MiB") }
        return value
    }

    private mutating func bare() -> [UInt8] {
        let name = name()
        guard !name.isEmpty else { return [Ascii.dollar] }
        if let value = value(of: name) { return Array(value.utf8) }
        return options.keepsUnset ? Array("$\(name)".utf8) : []
    }

    private mutating func value(of name: String) -> String? {
        let value = lookup(name)
        if value == nil { unset.append(name) }
        return value
    }

    private mutating func braced() throws(ExpansionFailure) -> [UInt8] {
        index += 1
        switch peek {
        case nil: throw ExpansionFailure("syntax error: missing '}'")
        case Ascii.openBrace, Ascii.closeBrace, Ascii.colon:
            throw ExpansionFailure("syntax error: bad substitution")
        default: break
        }
        let name = name()
        switch peek {
        case nil: throw ExpansionFailure("syntax error: missing '}'")
        case Ascii.closeBrace: return plain(name)
        case Ascii.slash: return try replacement(name)
        default: return try modified(name)
        }
    }

    private mutating func plain(_ name: String) -> [UInt8] {
        index += 1
        if let value = value(of: name) { return Array(value.utf8) }
        return options.keepsUnset ? Array("${\(name)}".utf8) : []
    }

    /// Expands `${v:-w}`, `${v-w}`, `+`, `?`, `#` and `%`.
    private mutating func modified(_ name: String) throws(ExpansionFailure) -> [UInt8] {
        let emptyIsUnset = peek == Ascii.colon
        if emptyIsUnset { index += 1 }
        let shown = takeScalar()
        let modifier = (emptyIsUnset ? ":" : "") + shown
        guard emptyIsUnset || ["+", "-", "?", "#", "%"].contains(shown) else { throw unsupported(modifier) }
        let word = try operand(until: Ascii.closeBrace, raw: shown == "#" || shown == "%")
        let value = value(of: name)
        if options.keepsUnset, value == nil { return Array("${\(name)\(modifier)\(word)}".utf8) }
        let usable = emptyIsUnset && value == "" ? nil : value
        switch modifier {
        case "-", ":-": return Array((usable ?? word).utf8)
        case "+", ":+": return usable == nil ? [] : Array(word.utf8)
        case "?", ":?":
            guard let usable else {
                let reason = value == nil ? "is not allowed to be unset" : "is not allowed to be empty"
                throw ExpansionFailure("\(name): \(word.isEmpty ? reason : word)")
            }
            return Array(usable.utf8)
        case "#", "%": return Array(try trimmed(value ?? "", word, suffix: shown == "%").utf8)
        default: throw unsupported(modifier)
        }
    }

    private func trimmed(_ value: String, _ word: String, suffix: Bool) throws(ExpansionFailure) -> String {
        let longest = word.utf8.first == UInt8(ascii: suffix ? "%" : "#")
        let pattern = try ShellPattern(longest ? String(word.unicodeScalars.dropFirst()) : word)
        return suffix
            ? try pattern.trimmingSuffix(of: value, longest: longest)
            : try pattern.trimmingPrefix(of: value, longest: longest)
    }

    /// Expands `${v/p/r}` and `${v//p/r}`.
    private mutating func replacement(_ name: String) throws(ExpansionFailure) -> [UInt8] {
        index += 1
        let all = peek == Ascii.slash
        if all { index += 1 }
        let pattern = try operand(until: Ascii.slash, raw: true)
        let replacement = try operand(until: Ascii.closeBrace, raw: true)
        let value = value(of: name)
        if options.keepsUnset, value == nil { return Array("${\(name)/\(pattern)/\(replacement)}".utf8) }
        return Array(try ShellPattern(pattern).replacing(in: value ?? "", with: replacement, all: all).utf8)
    }

    private mutating func operand(until stop: UInt8, raw: Bool) throws(ExpansionFailure) -> String {
        var words = WordSplitter()
        do { return try text(until: stop, raw: raw, &words).text } catch {
            guard peek == nil, depth < Self.deepest else { throw error }
            throw ExpansionFailure(
                "syntax error: missing '\(Unicode.Scalar(stop))'" + (stop == Ascii.slash ? " in ${}" : ""))
        }
    }

    private func unsupported(_ modifier: String) -> ExpansionFailure {
        ExpansionFailure("unsupported modifier (\(modifier)) in substitution")
    }

    // MARK: names

    private mutating func takeScalar() -> String {
        guard let first = take() else { return "\u{FFFD}" }
        var bytes = [first]
        while first >= 0x80, let byte = peek, byte.isContinuation, bytes.count < 4 {
            bytes.append(byte)
            index += 1
        }
        return bytes.text
    }

    /// Reads a name, all digits of a number, one special parameter, or nothing.
    private mutating func name() -> String {
        let start = index
        if peek?.isDigit == true {
            while peek?.isDigit == true { index += 1 }
        } else if let byte = peek, "@*#?-$!".utf8.contains(byte) {
            index += 1
        } else {
            while let length = nameCharacter() { index += length }
        }
        return source[start..<index].text
    }

    /// Returns the number of bytes of the letter, digit or underscore at `index`; nil for another character.
    private func nameCharacter() -> Int? {
        guard let byte = peek else { return nil }
        if byte < 0x80 { return byte.isLetter || byte.isDigit || byte == UInt8(ascii: "_") ? 1 : nil }
        let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2
        guard index + length <= source.count else { return nil }
        let text = source[index..<index + length].text
        guard let scalar = text.unicodeScalars.first, text.utf8.count == length, scalar.properties.isAlphabetic else {
            return nil
        }
        return length
    }
}
