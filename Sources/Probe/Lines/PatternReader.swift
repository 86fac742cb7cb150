/// The parser of a ``LinePattern``.
struct PatternReader {
    private typealias Refusal = LinePattern.Refusal

    private let text: [Unicode.Scalar]
    private var position = 0
    private var depth = 0
    private var ignoresCase = false

    private static let depthLimit = 50
    private static let repetitionLimit = 1_000

    init(_ text: String) { self.text = Array(text.unicodeScalars) }

    /// Parses the whole text.
    mutating func pattern() throws(LinePattern.Refusal) -> PatternNode {
        ignoresCase = take("(?i)")
        let pattern = try alternatives()
        guard position == text.count else { throw Refusal(reason: "a ')' has no '('") }
        return pattern
    }

    private var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

    private mutating func take() -> Unicode.Scalar? {
        guard let next else { return nil }
        position += 1
        return next
    }

    private mutating func take(_ word: String) -> Bool {
        guard text[position...].starts(with: word.unicodeScalars) else { return false }
        position += word.unicodeScalars.count
        return true
    }

    // MARK: Groups and repetitions

    private mutating func alternatives() throws(LinePattern.Refusal) -> PatternNode {
        var found = [try sequence()]
        while take("|") { found.append(try sequence()) }
        return found.count == 1 ? found[0] : .alternatives(found)
    }

    private mutating func sequence() throws(LinePattern.Refusal) -> PatternNode {
        var nodes: [PatternNode] = []
        while let next, next != "|", next != ")" { nodes.append(try repeated(try atom())) }
        return .sequence(nodes)
    }

    private mutating func repeated(_ node: PatternNode) throws(LinePattern.Refusal) -> PatternNode {
        guard let (least, most) = try repetition() else { return node }
        // Greedy or lazy makes no difference to whether there is a match.
        if !take("?"), next == "+" { throw Refusal(reason: "possessive repetitions are not supported") }
        guard try repetition() == nil else { throw Refusal(reason: "a repetition follows a repetition") }
        return .repeated(node, least: least, most: most)
    }

    private mutating func repetition() throws(LinePattern.Refusal) -> (least: Int, most: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let start = position
        guard take("{"), let least = number() else {
            position = start
            return nil
        }
        let most = take(",") ? number() : least
        guard take("}") else {
            position = start
            return nil
        }
        guard least <= PatternReader.repetitionLimit, most ?? 0 <= PatternReader.repetitionLimit, most ?? least >= least
        else { throw Refusal(reason: "a repetition is reversed, or more than \(PatternReader.repetitionLimit)") }
        return (least, most)
    }

    private mutating func number() -> Int? {
        let digits = text[position...].prefix { ("0"..."9").contains($0) }.prefix(6)
        guard let number = Int(String(String.UnicodeScalarView(digits))) else { return nil }
        position += digits.count
        return number
    }

    private mutating func group() throws(LinePattern.Refusal) -> PatternNode {
        if take("?") { try groupName() }
        guard depth < PatternReader.depthLimit else { throw Refusal(reason: "its groups are nested too deeply") }
        depth += 1
        defer { depth -= 1 }
        let inner = try alternatives()
        guard take(")") else { throw Refusal(reason: "a '(' is not closed") }
        return inner
    }

    private mutating func groupName() throws(LinePattern.Refusal) {
        if take(":") { return }
        let isNamed = take("P<") || take("<")
        guard isNamed, let first = next, isOfWord(first) else {
            throw Refusal(reason: "look-around, atomic groups, and (?i) after the beginning are not supported")
        }
        while let next, isOfWord(next) { position += 1 }
        guard take(">") else { throw Refusal(reason: "the name of a group is not closed") }
    }

    // MARK: Characters

    private mutating func atom() throws(LinePattern.Refusal) -> PatternNode {
        guard let character = take() else { return .sequence([]) }
        switch character {
        case "(": return try group()
        case "[": return .step(.character(try characterClass()))
        case ".": return one(of: [], isNegated: true)
        case "^": return .step(.assertion(.start))
        case "$": return .step(.assertion(.end))
        case "\\": return try escape()
        case "*", "+", "?": throw Refusal(reason: "nothing precedes a '\(character)'")
        default: return one(of: [.range(character...character)])
        }
    }

    private func one(of items: [CharacterClass.SetItem], isNegated: Bool = false) -> PatternNode {
        .step(.character(CharacterClass(items, isNegated: isNegated, ignoresCase: ignoresCase)))
    }

    private mutating func escape() throws(LinePattern.Refusal) -> PatternNode {
        let places: [(String, LinePattern.Assertion)] = [
            ("b", .wordEdge), ("B", .noWordEdge), ("A", .start), ("z", .end), ("Z", .end),
        ]
        for (letter, place) in places where take(letter) { return .step(.assertion(place)) }
        return one(of: [try escapedItem()])
    }

    /// Parses the item after a backslash, also in a class.
    private mutating func escapedItem() throws(LinePattern.Refusal) -> CharacterClass.SetItem {
        guard let letter = take() else { throw Refusal(reason: "nothing follows the last backslash") }
        switch letter {
        case "d": return .digit
        case "w": return .word
        case "s": return .space
        case "D": return .none(of: .digit)
        case "W": return .none(of: .word)
        case "S": return .none(of: .space)
        case "t": return .range("\t"..."\t")
        case "n": return .range("\n"..."\n")
        case "r": return .range("\r"..."\r")
        case "e": return .range("\u{1B}"..."\u{1B}")
        case "x": return try coded(digits: 2)
        case "u": return try coded(digits: 4)
        case "1"..."9", "k": throw Refusal(reason: "back references such as '\\\(letter)' are not supported")
        default:
            guard !isOfWord(letter) else { throw Refusal(reason: "'\\\(letter)' is not supported") }
            return .range(letter...letter)
        }
    }

    private mutating func coded(digits count: Int) throws(LinePattern.Refusal) -> CharacterClass.SetItem {
        let isBraced = take("{")
        let digits = text[position...].prefix { $0.properties.isASCIIHexDigit }.prefix(isBraced ? 8 : count)
        position += digits.count
        guard isBraced ? take("}") : digits.count == count,
            let code = UInt32(String(String.UnicodeScalarView(digits)), radix: 16), let scalar = Unicode.Scalar(code)
        else { throw Refusal(reason: "a character code is not in the form \\xHH, \\x{H} or \\uHHHH") }
        return .range(scalar...scalar)
    }

    private mutating func characterClass() throws(LinePattern.Refusal) -> CharacterClass {
        let isNegated = take("^")
        var items: [CharacterClass.SetItem] = []
        while let character = take() {
            if character == "]", !items.isEmpty {
                return CharacterClass(items, isNegated: isNegated, ignoresCase: ignoresCase)
            }
            if character == "[" { throw Refusal(reason: "a '[' in a class needs a backslash before it") }
            let item = character == "\\" ? try escapedItem() : .range(character...character)
            items.append(try upTo(item))
        }
        throw Refusal(reason: "a '[' is not closed")
    }

    /// Parses the rest of a range that begins with `first`, if there is one.
    private mutating func upTo(_ first: CharacterClass.SetItem) throws(LinePattern.Refusal) -> CharacterClass.SetItem {
        guard next == "-", position + 1 < text.count, text[position + 1] != "]", case .range(let start) = first else {
            return first
        }
        position += 1
        guard let character = take() else { return first }
        let last = character == "\\" ? try escapedItem() : .range(character...character)
        guard case .range(let end) = last, start.lowerBound <= end.lowerBound else {
            throw Refusal(reason: "a range has its bounds reversed")
        }
        return .range(start.lowerBound...end.lowerBound)
    }
}
