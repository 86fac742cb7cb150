/// The comments that make the linter ignore rules.
struct Suppressions: Sendable {
    private var everywhere: Set<String> = []
    private var onLine: [Int: Set<String>] = [:]

    init(_ file: Dockerfile) {
        for comment in file.comments {
            guard let rest = Self.after("hadolint global ignore=", comment.text) else { continue }
            everywhere.formUnion(Self.names(rest))
        }
        for stage in file.stages {
            add(stage.from.comments, stage.from.lines)
            for instruction in stage.instructions { add(instruction.comments, instruction.lines) }
        }
        for argument in file.globalArguments { add(argument.comments, argument.lines) }
    }

    private mutating func add(_ comments: [String], _ lines: ClosedRange<Int>) {
        for comment in comments {
            if let rest = Self.after("hadolint ignore=", comment) {
                onLine[lines.lowerBound, default: []].formUnion(Self.names(rest))
            } else if let rest = Self.after("check=", comment),
                let options = try? CheckOptions(Word(rest, at: Position(line: lines.lowerBound, column: 1)))
            {
                onLine[lines.lowerBound, default: []].formUnion(options.skipsAll ? ["all"] : options.skipped)
            }
        }
    }

    /// Returns the text after a marker, whose blanks are ignored; nil if the comment does not start with it.
    private static func after(_ marker: String, _ comment: String) -> String? {
        var wanted = marker.utf8.filter { !$0.isBlank }[...]
        var rest = comment.utf8[...]
        while let next = wanted.first {
            guard let byte = rest.popFirst() else { return nil }
            if byte.isBlank { continue }
            guard byte == next else { return nil }
            wanted = wanted.dropFirst()
        }
        return rest.text
    }

    private static func names(_ text: String) -> [String] {
        text.utf8.split { $0 == Ascii.comma || $0.isBlank }.map(\.text)
    }

    func covers(_ rule: String, _ line: Int) -> Bool {
        if everywhere.contains(rule) { return true }
        guard let names = onLine[line] else { return false }
        return names.contains(rule) || (names.contains("all") && !LintRule.isHadolint(rule))
    }
}
