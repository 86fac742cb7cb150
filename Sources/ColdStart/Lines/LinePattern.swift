/// A regular expression that can be looked for in lines of a hostile guest: each character costs at most a step of every
/// part of the pattern, and nothing that was read is kept.
///
/// All ways through the pattern are followed at once, so whatever would have to go back in the text is refused: back
/// references, look-around, atomic groups.
///
/// ```
/// alternatives  sequence | sequence ...
/// piece         atom, and how often: * + ? {n} {n,} {n,m}, with or without a ? behind it
/// atom          character  .  ^  $  \b \B  \d \D \w \W \s \S  \t \n \r \xHH \x{H...} \uHHHH  [a-z_\d] [^...]
///               (...)  (?:...)  (?<name>...)          and (?i) before everything: upper and lower case are alike
/// ```
struct LinePattern {
    /// Why a text is no such pattern; it follows "probe '...' cannot be read:".
    struct Refusal: Error, Equatable {
        let reason: String
    }

    /// One part of a pattern as it is followed; what does not say otherwise leads to the part behind it.
    enum Step {
        /// Takes one character.
        case character(CharacterClass)
        /// Takes none, and is only passed here.
        case place(Place)
        /// Goes on at both.
        case fork(Int, Int)
        case end
    }

    /// Where two characters meet, or a character and the line's end.
    enum Place {
        case start, end, wordEdge, noWordEdge

        func lies(between previous: Unicode.Scalar?, and next: Unicode.Scalar?) -> Bool {
            let isEdge = previous.map(isOfWord) ?? false != next.map(isOfWord) ?? false
            return switch self {
            case .start: previous == nil
            case .end: next == nil
            case .wordEdge: isEdge
            case .noWordEdge: !isEdge
            }
        }
    }

    /// What a pattern can be, so that a character's price has a limit.
    static let stepLimit = 1_000

    private(set) var steps: [Step] = []

    /// Reads a pattern.
    init(_ text: String) throws(Refusal) {
        var reader = PatternReader(text)
        try add(reader.pattern())
        try add(.end)
    }

    private mutating func add(_ step: Step) throws(Refusal) {
        guard steps.count < LinePattern.stepLimit else { throw Refusal(reason: "it is too large") }
        steps.append(step)
    }

    private mutating func add(_ node: PatternNode) throws(Refusal) {
        switch node {
        case .step(let step): try add(step)
        case .sequence(let nodes): for node in nodes { try add(node) }
        case .alternatives(let nodes): try add(alternatives: nodes[...])
        case .repeated(let node, let least, let most):
            for _ in 0..<least {
                let count = steps.count
                try add(node)
                // What takes no step may be there as often as anybody likes.
                if steps.count == count { return }
            }
            if let most { try add(node, atMost: most - least) } else { try loop(node) }
        }
    }

    private mutating func add(alternatives: ArraySlice<PatternNode>) throws(Refusal) {
        var ends: [Int] = []
        for (index, node) in zip(alternatives.indices, alternatives) {
            let fork = steps.count
            let isLast = index + 1 == alternatives.endIndex
            if !isLast { try add(.end) }
            try add(node)
            guard !isLast else { break }
            ends.append(steps.count)
            try add(.end)
            steps[fork] = .fork(fork + 1, steps.count)
        }
        for end in ends { steps[end] = .fork(steps.count, steps.count) }
    }

    private mutating func add(_ node: PatternNode, atMost count: Int) throws(Refusal) {
        var forks: [Int] = []
        for _ in 0..<count {
            forks.append(steps.count)
            try add(.end)
            try add(node)
        }
        for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
    }

    private mutating func loop(_ node: PatternNode) throws(Refusal) {
        let fork = steps.count
        try add(.end)
        try add(node)
        try add(.fork(fork, fork))
        steps[fork] = .fork(fork + 1, steps.count)
    }
}

/// A pattern as it is written.
indirect enum PatternNode {
    case step(LinePattern.Step)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    case repeated(PatternNode, least: Int, most: Int?)
}

/// Whether a character belongs to words.
func isOfWord(_ character: Unicode.Scalar) -> Bool {
    character == "_" || character.properties.isAlphabetic || character.properties.numericType == .decimal
}

/// Characters of which one is meant.
struct CharacterClass {
    /// Some of them.
    enum Item {
        case range(ClosedRange<Unicode.Scalar>)
        case digit, word, space
        indirect case none(of: Item)

        func contains(_ character: Unicode.Scalar) -> Bool {
            switch self {
            case .range(let range): range.contains(character)
            case .digit: character.properties.numericType == .decimal
            case .word: isOfWord(character)
            case .space: character.properties.isWhitespace
            case .none(let item): !item.contains(character)
            }
        }
    }

    var items: [Item]
    var isNegated = false
    var ignoresCase = false

    func contains(_ character: Unicode.Scalar) -> Bool {
        var isFound = items.contains { $0.contains(character) }
        if ignoresCase, !isFound {
            isFound = CharacterClass.otherCases(of: character).contains { other in
                items.contains { $0.contains(other) }
            }
        }
        return isFound != isNegated
    }

    /// The other way to write a letter, where that is one character.
    private static func otherCases(of character: Unicode.Scalar) -> [Unicode.Scalar] {
        let properties = character.properties
        return [properties.lowercaseMapping, properties.uppercaseMapping].compactMap { text in
            text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
        }
    }
}
