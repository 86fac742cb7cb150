// Checks that follow the variables through the stages, as a build does.

/// The state of a stage between two instructions.
struct StageState {
    /// The RUN before, for rules that compare two.
    struct LastRun {
        let run: Instruction.Run
        let lines: ClosedRange<Int>
        let isSingle: Bool
    }

    let stage: Stage
    var scope: Scope
    var shell: [String]
    /// True if a SHELL line of the file set the shell.
    var shellIsSet = false
    var hasWorkdir: Bool
    var user: String?
    /// True if the variables of the base image are known.
    let knowsBase: Bool
    let family: BaseFamily
    /// True if the stage's layers are part of an image: it is the last stage, or another is built on it.
    let keepsLayers: Bool
    var declared: Set<String> = []
    /// The programs for downloads that the stage uses.
    var tools: Set<String> = []
    /// The archives that a COPY brought, with its lines.
    var archives: [String: ClosedRange<Int>] = [:]
    var lastRun: LastRun?
}

extension Linter {
    mutating func checkStages() {
        let global: GlobalScope
        do throws(Diagnostic) { global = try GlobalScope(file, options.arguments) } catch {
            return reportSyntax(error)
        }
        if let graph = try? StageGraph(file, global) {
            let own = Set(file.stages.flatMap(Self.ownSources))
            for problem in graph.problems {
                report(
                    "StageReference", problem.message, problem.position.line...problem.position.line,
                    also: own.contains(problem.position) ? ["DL3023"] : [])
            }
        }
        // Only the states that a later stage starts from are kept.
        var ends: [Int: StageState] = [:]
        for stage in file.stages {
            checkFrom(stage, global)
            var state = start(stage, base: baseIndex[stage.index].flatMap { ends[$0] }, global: global)
            if baseIndex[stage.index] == nil { checkPlatform(stage, global) }
            for located in stage.instructions { follow(located, &state) }
            checkLastUser(stage)
            if hasChild.contains(stage.index) { ends[stage.index] = state }
        }
    }

    /// Reports an error that a build ends with.
    mutating func reportSyntax(_ problem: Diagnostic) {
        let line = max(1, problem.position.line)
        report("SyntaxError", problem.message, line...line, columns: problem.position.column...problem.position.column)
    }

    /// Returns the places where a stage copies from itself.
    private static func ownSources(_ stage: Stage) -> [Position] {
        stage.instructions.compactMap { located in
            guard case .copy(let copy) = located.value, let from = copy.from else { return nil }
            return from.text.asciiLowercased == stage.name ? from.position : nil
        }
    }

    private func start(_ stage: Stage, base: StageState?, global: GlobalScope) -> StageState {
        let root = root(of: stage)
        let name = (try? global.expand(root.base)) ?? root.base.text
        return StageState(
            stage: stage, scope: base?.scope ?? Scope(global, baseEnvironment: environment(stage)),
            shell: base?.shell ?? Self.defaultShell, shellIsSet: base?.shellIsSet ?? false,
            hasWorkdir: base?.hasWorkdir ?? false, user: base?.user, knowsBase: knowsBase(root),
            family: family(root, name),
            keepsLayers: stage.index == file.stages.count - 1 || hasChild.contains(stage.index))
    }

    private func environment(_ stage: Stage) -> [Variable] { options.facts.bases[stage.index]?.environment ?? [] }

    /// True if the variables of a base image are known.
    private func knowsBase(_ root: Stage) -> Bool {
        root.base.text == "scratch" || options.facts.bases[root.index]?.environment != nil
    }

    /// Returns the family of the shell of a base image: by its files if they are known, else by its name.
    private func family(_ root: Stage, _ name: String) -> BaseFamily {
        if options.facts.bases[root.index]?.platform?.os == "windows" { return .windows }
        if root.platform?.text.hasPrefix("windows/") == true || file.directives.escape == Ascii.backtick {
            return .windows
        }
        guard options.facts.bases[root.index] != nil else { return BaseFamily(imageName: name) }
        if options.facts.file(root.index, "/bin/bash") == .executable { return .bash }
        return options.facts.file(root.index, "/bin/ash") == .executable ? .ash : BaseFamily(imageName: name)
    }

    private mutating func checkLastUser(_ stage: Stage) {
        let users = stage.instructions.compactMap { located in
            if case .user(let user) = located.value { (user.user.unquoted, located.lines) } else { nil }
        }
        guard let (user, lines) = users.last else { return }
        let name = user.cut(Ascii.colon)?.before ?? user
        guard name == "root" || name == "0" else { return }
        report("DL3002", "The image runs as root. Write USER with another number at the end", lines)
    }

    // MARK: instructions

    private mutating func follow(_ located: Located<Instruction>, _ state: inout StageState) {
        for word in located.value.expandingWords { checkVariables(of: word, lines: located.lines, in: state) }
        checkShape(located, in: state)
        let lines = located.lines
        switch located.value {
        case .arg(let arg):
            state.declared.formUnion(arg.declarations.map(\.name.text))
            _ = try? state.scope.declare(arg)
        case .env(let env): _ = try? state.scope.set(env)
        case .workdir(let workdir): checkWorkdir(workdir, lines: lines, in: &state)
        case .user(let user): state.user = (try? state.scope.expand(user.user)) ?? user.user.text
        case .shell(let shell): (state.shell, state.shellIsSet) = (shell.words, true)
        case .copy(let copy):
            checkIgnored(copy.from == nil ? copy.transfer : nil, keyword: "Copy", lines: lines, scope: state.scope)
            checkRelative(copy.transfer, lines: lines, in: state)
            checkCopySource(copy, lines: lines, of: state.stage)
            if copy.from == nil { noteArchives(of: copy.transfer, lines: lines, in: &state) }
        case .add(let add): checkIgnored(add.transfer, keyword: "Add", lines: lines, scope: state.scope)
        case .expose(let expose): checkPorts(expose, lines: lines, in: state)
        case .run(let run): checkRun(run, at: located, in: &state)
        case .onBuild(let trigger):
            if case .run(let run)? = trigger.instruction { checkRun(run, at: located, in: &state, isTrigger: true) }
        default: break
        }
        if !located.value.isBetweenRuns { state.lastRun = nil }
    }

    private mutating func checkVariables(of word: Word, lines: ClosedRange<Int>, in state: StageState) {
        guard word.mayExpand else { return }
        let unset: [String]
        do throws(Diagnostic) { unset = try state.scope.expandNotingUnset(word).unset } catch {
            // `${A:?}` demands an argument of the build, which lint needn't have.
            if !word.text.utf8.contains(Ascii.question) { reportSyntax(error) }
            return
        }
        guard !unset.isEmpty else { return }
        let known = state.scope.runEnvironment.suffix(1000).map(\.name) + state.declared.sorted().prefix(1000)
        for name in unset where !state.declared.contains(name) {
            guard name.utf8.first?.isNameByte == true, state.knowsBase || !Self.comesFromImages(name) else { continue }
            let meant = Suggestion.nearest(to: name, in: known)
            let message =
                if let meant {
                    "$\(name) is not set (did you mean $\(meant)?)"
                } else if state.knowsBase {
                    "$\(name) is not set by this file or its base, so it is empty"
                } else {
                    "$\(name) is not set in this file; the base may set it: pull it and lint can tell"
                }
            report("UndefinedVar", message, lines)
        }
    }

    /// True for names that base images often set; without facts about the image, they may be defined.
    private static func comesFromImages(_ name: String) -> Bool {
        let common: Set<String> = [
            "HOME", "LANG", "LC_ALL", "HOSTNAME", "TERM", "SHELL", "USER", "PWD", "TZ", "GOPATH", "APP_UID", "NB_UID",
            "NB_GID", "NB_USER", "CONDA_DIR", "GOROOT", "GEM_HOME", "CATALINA_HOME",
        ]
        return common.contains(name)
            || ["_VERSION", "_HOME", "_DIR", "_PATH", "_ROOT", "_PREFIX"].contains { name.hasSuffix($0) }
            || ["PYTHON", "NODE", "JAVA", "GO", "RUBY", "PHP", "NGINX", "CARGO", "RUSTUP", "DOTNET", "ASPNET"].contains
            {
                name.hasPrefix($0)
            }
    }
}

extension Instruction {
    /// True if two RUN lines around the instruction could still be joined.
    fileprivate var isBetweenRuns: Bool {
        if case .run = self { true } else { false }
    }

    /// The words of the instruction that a build expands.
    var expandingWords: [Word] {
        switch self {
        case .arg(let arg): arg.declarations.compactMap(\.defaultValue)
        case .env(let env): env.pairs.flatMap { [$0.key, $0.value] }
        case .label(let label): label.pairs.flatMap { [$0.key, $0.value] }
        case .workdir(let workdir): [workdir.path]
        case .user(let user): [user.user]
        case .copy(let copy): copy.transfer.expandingWords
        case .add(let add): add.transfer.expandingWords + [add.checksum].compactMap(\.self)
        case .volume(let volume): volume.paths
        case .expose(let expose): expose.ports
        case .stopSignal(let signal): [signal.signal]
        default: []
        }
    }
}

extension Instruction.Transfer {
    fileprivate var expandingWords: [Word] { sources + [destination] + [chown, chmod].compactMap(\.self) }
}
