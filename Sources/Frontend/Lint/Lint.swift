/// Says what a Dockerfile could do better: BuildKit's checks, hadolint's valued rules, and checks against real images.
public enum Lint {
    /// What to check, and with what knowledge.
    public struct Options: Sendable {
        /// The outside of the build, for the values of ARG.
        public var arguments: BuildArguments
        /// `--build-arg BUILDKIT_DOCKERFILE_CHECK`: replaces the file's `# check=`.
        public var check: CheckOptions?
        /// What is known about images and context.
        public var facts = ImageFacts()
        /// Rules to leave out altogether.
        public var ignored: Set<String> = []

        /// The checks of a build on a platform.
        public init(arguments: BuildArguments) { self.arguments = arguments }
    }

    /// The findings in the order of the file; comments that ask for silence are honoured.
    public static func check(_ dockerfile: Dockerfile, _ options: Options) -> [Finding] {
        var linter = Linter(dockerfile, options)
        linter.checkFile()
        linter.checkShapes()
        linter.checkStages()
        linter.checkScripts()
        linter.checkImages()
        return linter.findings()
    }

    /// Whether findings make the check fail, as `# check=error=true` asks.
    public static func failsOnFinding(_ dockerfile: Dockerfile, _ options: Options) -> Bool {
        checkOptions(dockerfile, options).failsOnFinding
    }

    static func checkOptions(_ dockerfile: Dockerfile, _ options: Options) -> CheckOptions {
        if let check = options.check { return check }
        guard let word = dockerfile.directives.check, let parsed = try? CheckOptions(word) else {
            return CheckOptions()
        }
        return parsed
    }

    /// The rules that only run when `experimental=` names them.
    static let experimental: Set<String> = ["InvalidDefinitionDescription"]

    /// Why a Dockerfile that cannot be read deserves a finding too.
    public static func findings(for error: DockerfileError) -> [Finding] {
        error.diagnostics.map { problem in
            let line = max(1, problem.position.line)
            return Finding(
                rule: "SyntaxError", severity: .error, message: problem.message, lines: line...line, fix: nil,
                edits: [])
        }
    }
}

/// The state of one run over one file.
struct Linter {
    let file: Dockerfile
    let options: Lint.Options
    let check: CheckOptions
    private var found: [Finding] = []
    private let silenced: Silence
    /// The stage each stage is built on, or nil.
    let baseIndex: [Int?]
    /// The first stage of each stage's chain.
    let rootIndex: [Int]
    /// The stages of a name, in order.
    let stagesByName: [String: [Int]]
    /// Where each line of the file starts.
    let lineStarts: [Int]

    init(_ file: Dockerfile, _ options: Lint.Options) {
        self.file = file
        self.options = options
        check = Lint.checkOptions(file, options)
        silenced = Silence(file)
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
            Finding(rule: rule, severity: severity, message: message, lines: lines, fix: fix, edits: edits))
    }

    func findings() -> [Finding] {
        found.enumerated().sorted { left, right in
            (left.element.lines.lowerBound, left.element.rule, left.offset)
                < (right.element.lines.lowerBound, right.element.rule, right.offset)
        }.map(\.element)
    }
}

/// The comments that ask a linter to be silent.
struct Silence: Sendable {
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

    /// What follows a marker whose blanks don't count.
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
        return names.contains(rule) || (names.contains("all") && !rule.utf8.starts(with: "DL".utf8))
    }
}
