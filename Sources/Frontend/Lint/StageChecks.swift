// Checks that follow the variables through the stages, as a build does.

extension Linter {
    mutating func checkStages() {
        guard let global = try? GlobalScope(file, options.arguments) else { return }
        if let graph = try? StageGraph(file, global) {
            for problem in graph.problems {
                report("StageReference", .error, problem.message, problem.position.line...problem.position.line)
            }
        }
        var scopes: [Scope] = []
        var workdirs: [Bool] = []
        for stage in file.stages {
            checkFrom(stage, global)
            let base = baseIndex[stage.index]
            var state = StageState(
                stage: stage, scope: base.map { scopes[$0] } ?? Scope(global, baseEnvironment: environment(stage)),
                hasWorkdir: base.map { workdirs[$0] } ?? false, knowsBase: knowsBase(stage))
            if base == nil { checkPlatform(stage) }
            for located in stage.instructions { follow(located, &state) }
            scopes.append(state.scope)
            workdirs.append(state.hasWorkdir)
        }
    }

    private struct StageState {
        let stage: Stage
        var scope: Scope
        var hasWorkdir: Bool
        let knowsBase: Bool
        var declared: Set<String> = []
    }

    private func environment(_ stage: Stage) -> [Variable] { options.facts.bases[stage.index]?.environment ?? [] }

    /// True if the variables of the stage's base image are known.
    private func knowsBase(_ stage: Stage) -> Bool {
        let root = root(of: stage)
        return root.base.text == "scratch" || options.facts.bases[root.index]?.environment != nil
    }

    // MARK: FROM

    private mutating func checkFrom(_ stage: Stage, _ global: GlobalScope) {
        for word in [stage.base, stage.platform].compactMap(\.self) where word.mayExpand {
            guard let result = try? word.expansion(escape: global.escape, lookup: { global.values[$0] }),
                !result.unset.isEmpty
            else { continue }
            let names = globalNames.union(global.values.keys)
            for name in result.unset where !names.contains(name) {
                let ending = Suggestion.ending(for: name, in: names.sorted())
                report(
                    "UndefinedArgInFrom", .warning, "FROM argument '\(name)' is not declared\(ending)",
                    stage.from.lines, fix: "declare ARG \(name) before the first FROM")
            }
        }
        checkDefaults(stage)
        checkTag(stage)
    }

    /// Checks that the base is an image name even without build arguments.
    private mutating func checkDefaults(_ stage: Stage) {
        guard stage.base.mayExpand, let name = try? defaultScope?.expand(stage.base) else { return }
        guard !Self.isImageName(name) else { return }
        report(
            "InvalidDefaultArgInFrom", .warning,
            "Default value for ARG \(stage.base.text) results in empty or invalid base image name", stage.from.lines,
            fix: "give the ARG a default")
    }

    /// True for a name with an optional tag and digest, none of them empty.
    static func isImageName(_ text: String) -> Bool {
        let (name, digest) = text.cut(UInt8(ascii: "@")) ?? (text, nil)
        if let digest, digest.isEmpty { return false }
        let last = name.utf8.split(separator: Ascii.slash, omittingEmptySubsequences: false)
        guard !name.isEmpty, last.allSatisfy({ !$0.isEmpty }), let final = last.last else { return false }
        let parts = final.split(separator: Ascii.colon, omittingEmptySubsequences: false)
        return parts.count <= 2
            && parts.allSatisfy { part in !part.isEmpty && part.allSatisfy { $0.isNameByte || "-.".utf8.contains($0) } }
    }

    private mutating func checkTag(_ stage: Stage) {
        let text = stage.base.text
        let isStage = isStage(text.asciiLowercased, before: stage)
        guard text != "scratch", !isStage, !text.utf8.contains(Ascii.dollar), !text.utf8.contains(UInt8(ascii: "@"))
        else {
            return
        }
        let final = text.utf8.split(separator: Ascii.slash).last ?? text.utf8[...]
        guard let (_, tag) = final.text.cut(Ascii.colon) else {
            report("DL3006", .warning, "Always tag the version of an image explicitly", stage.from.lines)
            return
        }
        if tag == "latest" {
            report(
                "DL3007", .warning,
                "Using latest is prone to errors if the image will ever update. Pin the version explicitly to a release tag",
                stage.from.lines)
        }
    }

    private mutating func checkPlatform(_ stage: Stage) {
        guard let actual = options.facts.bases[stage.index]?.platform else { return }
        let wanted = stage.platform.flatMap { word in
            (try? GlobalScope(file, options.arguments)).flatMap { try? $0.expand(word) }
        }
        let expected = wanted ?? options.arguments.target.text
        let isSame = expected == actual.text || expected == "\(actual.os)/\(actual.architecture)"
        guard !isSame else { return }
        report(
            "InvalidBaseImagePlatform", .warning,
            "Base image \(stage.base.text) was pulled with platform \(actual.text.goQuoted), expected \(expected.goQuoted) for current build",
            stage.from.lines)
    }

    // MARK: instructions

    private mutating func follow(_ located: Located<Instruction>, _ state: inout StageState) {
        if case .arg(let arg) = located.value { state.declared.formUnion(arg.declarations.map(\.name.text)) }
        for word in located.value.expandingWords { checkVariables(word, located.lines, state) }
        switch located.value {
        case .arg(let arg): _ = try? state.scope.declare(arg)
        case .env(let env): _ = try? state.scope.set(env)
        case .workdir(let workdir): checkWorkdir(workdir, located.lines, &state)
        case .copy(let copy):
            checkIgnored(copy.from == nil ? copy.transfer : nil, "Copy", located.lines, state.scope)
            checkRelative(copy.transfer, located.lines, state)
            checkCopySource(copy, located.lines, state.stage)
        case .add(let add): checkIgnored(add.transfer, "Add", located.lines, state.scope)
        default: break
        }
    }

    private mutating func checkVariables(_ word: Word, _ lines: ClosedRange<Int>, _ state: StageState) {
        guard word.mayExpand, let unset = try? state.scope.expandNotingUnset(word).unset, !unset.isEmpty else { return }
        let known = state.scope.runEnvironment.suffix(1000).map(\.name) + state.declared.sorted().prefix(1000)
        for name in unset where !state.declared.contains(name) {
            guard name.utf8.first?.isNameByte == true, state.knowsBase || !Self.comesFromImages(name) else { continue }
            let meant = Suggestion.nearest(to: name, in: known)
            let ending = meant.map { " (did you mean $\($0)?)" } ?? ""
            report(
                "UndefinedVar", .warning, "Usage of undefined variable '$\(name)'\(ending)", lines,
                fix: meant.map { "write $\($0)" })
        }
    }

    /// True for names that base images often set; without facts about the image, they may be defined.
    private static func comesFromImages(_ name: String) -> Bool {
        let common: Set<String> = [
            "HOME", "LANG", "LC_ALL", "HOSTNAME", "TERM", "SHELL", "USER", "PWD", "TZ", "GOPATH",
        ]
        return common.contains(name)
            || ["_VERSION", "_HOME", "_DIR", "_PATH", "_ROOT", "_PREFIX"].contains { name.hasSuffix($0) }
            || ["PYTHON", "NODE", "JAVA", "GO", "RUBY", "PHP", "NGINX", "CARGO", "RUSTUP"].contains {
                name.hasPrefix($0)
            }
    }

    private mutating func checkWorkdir(
        _ workdir: Instruction.Workdir, _ lines: ClosedRange<Int>, _ state: inout StageState
    ) {
        guard let path = try? state.scope.expand(workdir.path) else { return }
        defer { state.hasWorkdir = true }
        guard path.utf8.first != Ascii.slash else { return }
        if !path.utf8.contains(Ascii.dollar), !workdir.path.mayExpand {
            report("DL3000", .error, "Use absolute WORKDIR", lines)
        }
        guard !state.hasWorkdir else { return }
        let root = root(of: state.stage)
        let base = options.facts.bases[root.index]?.workingDirectory ?? (root.base.text == "scratch" ? "/" : nil)
        let place = base.map { ", now \(PathText.join($0.isEmpty ? "/" : $0, path))" } ?? ""
        report(
            "WorkdirRelativePath", .warning,
            "Relative workdir \(path.goQuoted) can have unexpected results if the base image changes", lines,
            fix: "write the absolute path\(place)")
    }

    private mutating func checkIgnored(
        _ transfer: Instruction.Transfer?, _ keyword: String, _ lines: ClosedRange<Int>, _ scope: Scope
    ) {
        guard let transfer, let rules = options.facts.ignoreRules, !rules.hasNegations else { return }
        for source in transfer.sources {
            guard let path = try? scope.expand(source), !path.holds("://"), !PathPattern.hasWildcards(path.utf8)
            else {
                continue
            }
            let inside = PathText.clean("/\(path)").utf8.dropFirst().text
            guard let rule = rules.decidingRule(for: (inside.isEmpty ? "." : inside).utf8) else { continue }
            report(
                "CopyIgnoredFile", .warning,
                "Attempting to \(keyword) file \(path.goQuoted) that is excluded by .dockerignore", lines,
                fix: "change line \(rule.line) of .dockerignore, \(rule.pattern.goQuoted)")
        }
    }

    private mutating func checkRelative(
        _ transfer: Instruction.Transfer, _ lines: ClosedRange<Int>, _ state: StageState
    ) {
        let target = transfer.destination.text
        let base = options.facts.bases[root(of: state.stage).index]?.workingDirectory
        let isRelative = ![Ascii.slash, Ascii.dollar, Ascii.quote].contains(target.utf8.first ?? 0)
        guard isRelative, !state.hasWorkdir, base == nil || base == "" || base == "/" else { return }
        report("DL3045", .warning, "`COPY` to a relative destination without `WORKDIR` set.", lines)
    }

    private mutating func checkCopySource(_ copy: Instruction.Copy, _ lines: ClosedRange<Int>, _ stage: Stage) {
        guard let from = copy.from?.text.asciiLowercased else { return }
        if from == stage.name {
            report("DL3023", .error, "`COPY --from` cannot reference its own `FROM` alias", lines)
            return
        }
        let isIndex = Int(from).map { $0 < stage.index } ?? false
        let isKnown = isIndex || isStage(from, before: stage)
        guard !isKnown, !from.utf8.contains(Ascii.colon), !from.utf8.contains(UInt8(ascii: "@")) else { return }
        let names = file.stages[..<stage.index].suffix(1000).compactMap(\.name)
        let ending = Suggestion.ending(for: from, in: names)
        report(
            "DL3022", .warning, "`COPY --from` should reference a previously defined `FROM` alias\(ending)", lines)
    }
}

extension Instruction {
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
