/// The state of one run over one file.
struct Linter {
    let file: Dockerfile
    let options: Lint.Options
    let check: CheckOptions
    private var found: [Finding] = []
    private let silenced: Silence
    /// Columns count the bytes of the text, so a file that isn't UTF-8 is not edited.
    let isEditable: Bool
    /// The stage each stage is built on, or nil.
    let baseIndex: [Int?]
    /// The stages that others are built on.
    let hasChild: Set<Int>
    /// The first stage of each stage's chain.
    let rootIndex: [Int]
    /// The stages of a name, in order.
    let stagesByName: [String: [Int]]
    /// Where each line of the file starts.
    let lineStarts: [Int]
    /// The names of the ARG lines before the first FROM.
    let globalNames: Set<String>
    /// What FROM lines see without build arguments; nil where that cannot be expanded.
    let defaultScope: GlobalScope?

    init(_ file: Dockerfile, _ options: Lint.Options) {
        self.file = file
        self.options = options
        check = Lint.checkOptions(file, options)
        silenced = Silence(file)
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

    /// The bytes of a physical line, without its line end.
    func line(_ number: Int) -> ArraySlice<UInt8> {
        guard lineStarts.indices.contains(number - 1) else { return [] }
        return file.source[lineStarts[number - 1]...].prefix { $0 != Ascii.newline }
    }

    /// The stage at the start of a stage's chain: the one whose base is an image.
    func root(of stage: Stage) -> Stage { file.stages[rootIndex[stage.index]] }

    /// Whether a stage of this name comes before another.
    func isStage(_ name: String, before stage: Stage) -> Bool {
        stagesByName[name]?.first.map { $0 < stage.index } ?? false
    }

    /// Notes a finding unless something silences its rule.
    mutating func report(
        _ rule: String, _ severity: Severity = .warning, _ message: String, _ lines: ClosedRange<Int>,
        fix: String? = nil, edits: [TextEdit] = []
    ) {
        let isHadolint = rule.utf8.starts(with: "DL".utf8)
        if options.ignored.contains(rule) || silenced.covers(rule, lines.lowerBound) { return }
        if !isHadolint, check.skipsAll || check.skipped.contains(rule) { return }
        if Lint.experimental.contains(rule), !check.allExperimental, !check.experimental.contains(rule) { return }
        found.append(
            Finding(
                rule: rule, severity: severity, message: message, lines: lines, fix: fix,
                edits: isEditable ? edits : []))
    }

    func findings() -> [Finding] {
        found.enumerated().sorted { left, right in
            (left.element.lines.lowerBound, left.element.rule, left.offset)
                < (right.element.lines.lowerBound, right.element.rule, right.offset)
        }.map(\.element)
    }
}
