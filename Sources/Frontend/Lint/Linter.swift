/// The state of one run over one file.
struct Linter {
    let file: Dockerfile
    let options: Lint.Options
    let check: CheckOptions
    private var found: [LintFinding] = []
    private let suppressed: Suppressions
    /// False for a file that isn't UTF-8: its columns count bytes of decoded text, so that it cannot be edited.
    let isEditable: Bool
    /// The base stage of each stage, or nil.
    let baseIndex: [Int?]
    /// The stages that others are built on.
    let hasChild: Set<Int>
    /// The first stage in the chain of base stages, for each stage.
    let rootIndex: [Int]
    /// The stages with a name, in order.
    let stagesByName: [String: [Int]]
    /// The byte offset of each line.
    let lineStarts: [Int]
    /// The names of the ARG lines before the first FROM.
    let globalNames: Set<String>
    /// The variables of FROM lines without build arguments; nil if they cannot be expanded.
    let defaultScope: GlobalScope?

    init(_ file: Dockerfile, _ options: Lint.Options) {
        self.file = file
        self.options = options
        check = Lint.checkOptions(file, options)
        suppressed = Suppressions(file)
        isEditable = String(validating: file.source, as: UTF8.self) != nil
        var names: [String: [Int]] = [:]
        var bases: [Int?] = []
        var roots: [Int] = []
        for stage in file.stages {
            let base = names[stage.base.text]?.last
            bases.append(base)
            roots.append(base.map { roots[$0] } ?? stage.index)
            if let name = stage.name { names[name, default: []].append(stage.index) }
        }
        (baseIndex, rootIndex, stagesByName) = (bases, roots, names)
        hasChild = Set(bases.compactMap(\.self))
        globalNames = Set(file.globalArguments.flatMap(\.value.declarations).map(\.name.text))
        var plain = options.arguments
        plain.values = [:]
        defaultScope = try? GlobalScope(file, plain)
        let mark = file.source.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        lineStarts = [mark] + file.source.indices.lazy.filter { file.source[$0] == Ascii.newline }.map { $0 + 1 }
    }

    /// Returns the bytes of a physical line, without its line end.
    func line(_ number: Int) -> ArraySlice<UInt8> {
        guard lineStarts.indices.contains(number - 1) else { return [] }
        return file.source[lineStarts[number - 1]...].prefix { $0 != Ascii.newline }
    }

    private func lineStart(_ number: Int) -> Int {
        lineStarts.indices.contains(number - 1) ? lineStarts[number - 1] : 0
    }

    /// Returns the first stage in a stage's chain of bases, whose own base is an image.
    func root(of stage: Stage) -> Stage { file.stages[rootIndex[stage.index]] }

    /// True if a stage of this name comes before `stage`.
    func isStage(_ name: String, before stage: Stage) -> Bool {
        stagesByName[name]?.first.map { $0 < stage.index } ?? false
    }

    /// Adds a finding, unless its rule is off, ignored or skipped.
    ///
    /// - Parameters:
    ///   - also: The names of the same fault in other linters.
    ///   - severity: The severity; nil for that of the catalogue.
    ///   - edits: The fix that can't change the image.
    ///   - proposal: The fix that the user must decide on.
    mutating func report(
        _ rule: String, _ message: String, _ lines: ClosedRange<Int>, also: [String] = [],
        severity: LintSeverity? = nil, columns: ClosedRange<Int>? = nil, fix: String? = nil, edits: [TextEdit] = [],
        proposal: [TextEdit] = []
    ) {
        let names = [rule] + also
        guard let severity = self.severity(of: names, severity), !isSilenced(names, lines) else { return }
        let isKnown = isEditable
        let start = columns?.lowerBound ?? (line(lines.lowerBound).prefix(while: \.isBlank).count + 1)
        let end =
            columns.map { $0.upperBound + 1 }
            ?? (line(lines.upperBound).trimmingBlanks().endIndex - lineStart(lines.upperBound) + 1)
        found.append(
            LintFinding(
                rule: rule, otherNames: also, severity: severity, message: message, lines: lines, startColumn: start,
                endColumn: end, fix: fix ?? (isKnown ? pasted(edits + proposal) : nil), edits: isKnown ? edits : [],
                proposal: isKnown ? proposal : []))
    }

    /// True if a comment silences a rule on a line.
    func isIgnored(_ rule: String, at line: Int) -> Bool {
        !options.configuration.disablesPragmas && suppressed.covers(rule, line)
    }

    private func isSilenced(_ names: [String], _ lines: ClosedRange<Int>) -> Bool {
        names.contains { name in
            if options.ignored.contains(name) || options.configuration.ignored.contains(name) { return true }
            if isIgnored(name, at: lines.lowerBound) { return true }
            if LintRule.isHadolint(name) { return false }
            if check.skipsAll || check.skipped.contains(name) { return true }
            return Lint.experimental.contains(name) && !check.allExperimental && !check.experimental.contains(name)
        }
    }

    /// Returns the severity of a fault with these names, or nil if the rule is off.
    private func severity(of names: [String], _ given: LintSeverity?) -> LintSeverity? {
        if let name = names.first(where: { options.configuration.severities[$0] != nil }) {
            return options.configuration.severities[name]
        }
        return given ?? LintRule.named(names[0])?.severity
    }

    /// Returns the lines with edits applied, to paste; nil without edits.
    func pasted(_ edits: [TextEdit]) -> String? {
        guard !edits.isEmpty else { return nil }
        let byLine = Dictionary(grouping: edits, by: \.line)
        let lines = byLine.keys.sorted().map { number in
            Lint.apply(byLine[number] ?? [], to: Array(line(number))).text.trimmed
        }.filter { !$0.isEmpty }
        return lines.isEmpty ? nil : "write " + lines.joined(separator: "\n")
    }

    /// Returns the findings in order of line, each once.
    func findings() -> [LintFinding] {
        var seen: Set<LintFinding> = []
        return found.enumerated().sorted { left, right in
            (left.element.lines.lowerBound, left.element.rule, left.offset)
                < (right.element.lines.lowerBound, right.element.rule, right.offset)
        }.map(\.element).filter { seen.insert($0).inserted }
    }
}
