/// A regular expression for lines of a hostile guest, matched in linear time.
///
/// Each character costs at most one step of every part of the pattern, and no text is kept. All alternatives are
/// followed at once, without backtracking. Back references, look-around and atomic groups are therefore refused.
///
/// ```
/// alternatives  sequence | sequence ...
/// piece         atom, and how often: * + ? {n} {n,} {n,m}, with or without a ? behind it
/// atom          character  .  ^  $  \b \B  \d \D \w \W \s \S  \t \n \r \xHH \x{H...} \uHHHH  [a-z_\d] [^...]
///               (...)  (?:...)  (?<name>...)          and (?i) before everything: upper and lower case are alike
/// ```
struct LinePattern {
    /// The reason why a pattern is refused; it follows "probe '...' cannot be read:".
    struct Refusal: Error, Equatable {
        let reason: String
    }

    /// One step of a compiled pattern; unless stated otherwise, the next step follows.
    enum PatternStep {
        /// Consumes one character.
        case character(CharacterClass)
        /// Consumes none, and requires a position.
        case assertion(Assertion)
        /// Continues at both steps.
        case fork(Int, Int)
        case end
    }

    /// A position between two characters, or at an end of the line.
    enum Assertion {
        case start, end, wordEdge, noWordEdge

        func holds(between previous: Unicode.Scalar?, and next: Unicode.Scalar?) -> Bool {
            let isEdge = previous.map(isOfWord) ?? false != next.map(isOfWord) ?? false
            return switch self {
            case .start: previous == nil
            case .end: next == nil
            case .wordEdge: isEdge
            case .noWordEdge: !isEdge
            }
        }
    }

    /// The maximum number of steps, which bounds the cost of a character.
    static let stepLimit = 1_000

    private(set) var steps: [PatternStep] = []

    /// Compiles a pattern.
    init(_ text: String) throws(Refusal) {
        var reader = PatternReader(text)
        try add(reader.pattern())
        try add(.end)
    }

    private mutating func add(_ step: PatternStep) throws(Refusal) {
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
                // An empty node may be repeated any number of times.
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

/// The syntax tree of a pattern.
indirect enum PatternNode {
    case step(LinePattern.PatternStep)
    case sequence([PatternNode])
    case alternatives([PatternNode])
    case repeated(PatternNode, least: Int, most: Int?)
}

/// True if a character is part of words.
func isOfWord(_ character: Unicode.Scalar) -> Bool {
    character == "_" || character.properties.isAlphabetic || character.properties.numericType == .decimal
}

/// A set of characters.
struct CharacterClass {
    /// A part of the set.
    enum SetItem {
        case range(ClosedRange<Unicode.Scalar>)
        case digit, word, space
        indirect case none(of: SetItem)

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

    private let items: [SetItem]
    private let isNegated: Bool
    private let ignoresCase: Bool
    /// The members below 64, and those from 64 to 127, one bit each: most text needs no table of Unicode.
    private var ascii: (UInt64, UInt64) = (0, 0)

    init(_ items: [SetItem], isNegated: Bool, ignoresCase: Bool) {
        (self.items, self.isNegated, self.ignoresCase) = (items, isNegated, ignoresCase)
        for code in UInt8(0)..<64 {
            if decides(Unicode.Scalar(code)) { ascii.0 |= 1 << UInt64(code) }
            if decides(Unicode.Scalar(code + 64)) { ascii.1 |= 1 << UInt64(code) }
        }
    }

    func contains(_ character: Unicode.Scalar) -> Bool {
        guard character.isASCII else { return decides(character) }
        return (character.value < 64 ? ascii.0 : ascii.1) >> UInt64(character.value & 63) & 1 == 1
    }

    private func decides(_ character: Unicode.Scalar) -> Bool {
        var isFound = items.contains { $0.contains(character) }
        if ignoresCase, !isFound {
            isFound = CharacterClass.otherCases(of: character).contains { other in
                items.contains { $0.contains(other) }
            }
        }
        return isFound != isNegated
    }

    /// Returns the character in the other case, if that is a single character.
    private static func otherCases(of character: Unicode.Scalar) -> [Unicode.Scalar] {
        let properties = character.properties
        return [properties.lowercaseMapping, properties.uppercaseMapping].compactMap { text in
            text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
        }
    }
}
