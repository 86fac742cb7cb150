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

    /// Returns the first stage in a stage's chain of bases, whose own base is an image.
    func root(of stage: Stage) -> Stage { file.stages[rootIndex[stage.index]] }

    /// True if a stage of this name comes before `stage`.
    func isStage(_ name: String, before stage: Stage) -> Bool {
        stagesByName[name]?.first.map { $0 < stage.index } ?? false
    }

    /// Adds a finding, unless its rule is ignored or skipped.
    mutating func report(
        _ rule: String, _ severity: LintSeverity = .warning, _ message: String, _ lines: ClosedRange<Int>,
        fix: String? = nil, edits: [TextEdit] = []
    ) {
        let isHadolint = rule.utf8.starts(with: "DL".utf8)
        if options.ignored.contains(rule) || suppressed.covers(rule, lines.lowerBound) { return }
        if !isHadolint, check.skipsAll || check.skipped.contains(rule) { return }
        if Lint.experimental.contains(rule), !check.allExperimental, !check.experimental.contains(rule) { return }
        found.append(
            LintFinding(
                rule: rule, severity: severity, message: message, lines: lines, fix: fix,
                edits: isEditable ? edits : []))
    }

    func findings() -> [LintFinding] {
        found.enumerated().sorted { left, right in
            (left.element.lines.lowerBound, left.element.rule, left.offset)
                < (right.element.lines.lowerBound, right.element.rule, right.offset)
        }.map(\.element)
    }
}
