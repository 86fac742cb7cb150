/// One stage: the lines from a FROM to the next.
public struct Stage: Sendable {
    /// The number of the stage, from 0.
    public let index: Int
    /// The FROM line.
    public let from: Located<From>
    /// The instructions after FROM.
    public internal(set) var instructions: [Located<Instruction>] = []

    /// The name after AS in lower case, or nil.
    public var name: String? { from.value.name?.text.asciiLowercased }
    /// The base, not yet expanded: an earlier stage, a named context, `scratch` or an image.
    public var base: Word { from.value.base }
    /// `--platform=`, not yet expanded.
    public var platform: Word? { from.value.platform }
    /// The stage's name in messages: its name, else its number.
    public var label: String { name ?? String(index) }
    /// The first and last line.
    public var lines: ClosedRange<Int> {
        from.lines.lowerBound...max(from.lines.upperBound, instructions.last?.lines.upperBound ?? 0)
    }

    init(index: Int, from: Located<From>) {
        self.index = index
        self.from = from
    }
}

/// `FROM [--platform=P] base [AS name]`.
public struct From: Sendable {
    /// The base, not yet expanded.
    public let base: Word
    /// `--platform=`, not yet expanded.
    public let platform: Word?
    /// The word `AS`, with its letter case.
    public let keyword: Word?
    /// The name, with its letter case.
    public let name: Word?

    init(_ node: SyntaxNode) throws(Diagnostic) {
        let words = node.arguments
        let isNamed = words.count == 3 && words[1].text.asciiLowercased == "as"
        guard isNamed || words.count == 1 else {
            throw Diagnostic(node.keyword.position, "FROM requires either one or three arguments")
        }
        let flags = try Flags(node, ["platform": .string])
        base = words[0]
        platform = flags.word("platform")
        keyword = isNamed ? words[1] : nil
        name = isNamed ? words[2] : nil
        if let name, !Self.isStageName(name.text.asciiLowercased) {
            let rule = "name can't start with a number or contain symbols"
            throw Diagnostic(name.position, "invalid name for build stage: \(name.text.goQuoted), \(rule)")
        }
    }

    private static func isStageName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isLetter else { return false }
        return text.utf8.allSatisfy { $0.isLetter || $0.isDigit || "-_.".utf8.contains($0) }
    }
}
