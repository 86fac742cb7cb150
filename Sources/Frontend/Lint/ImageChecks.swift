// Checks of images and the context; without facts they report nothing.

/// The users and groups of a base image, and the RUN scripts that may add more.
private struct KnownAccounts {
    let users: Set<String>
    let groups: Set<String>
    var scripts = ""

    /// Returns the part of `user[:group]` that is neither a number, nor known, nor mentioned by an earlier RUN.
    func unknown(_ word: Word) -> (name: String, isGroup: Bool)? {
        guard !word.text.utf8.contains(Ascii.dollar) else { return nil }
        let (user, group) = word.text.cut(Ascii.colon) ?? (word.text, "")
        func isUnknown(_ name: String, _ known: Set<String>) -> Bool {
            !name.isEmpty && !name.utf8.allSatisfy(\.isDigit) && !known.contains(name) && !scripts.holds(name)
        }
        if isUnknown(user, users) { return (user, false) }
        return isUnknown(group, groups) ? (group, true) : nil
    }
}

extension Linter {
    mutating func checkImages() {
        for stage in file.stages { checkNames(stage) }
        if let last = file.stages.last { checkEntrypoint(last) }
        for layer in options.facts.layers { checkLayer(layer) }
        checkContext()
    }

    // MARK: users and owners

    private mutating func checkNames(_ stage: Stage) {
        // The base stages are walked only if needed, since their chain may be long.
        guard stage.instructions.contains(where: \.value.namesAccount) else { return }
        let chain = [stage] + baseStages(of: stage)
        guard let root = chain.last else { return }
        let base = root.base.text == "scratch" ? Self.empty : options.facts.bases[root.index]
        guard let users = base?.users else { return }
        var accounts = KnownAccounts(users: users, groups: base?.groups ?? [])
        accounts.scripts = chain.dropFirst().map { Self.scripts($0.instructions) }.joined(separator: "\n")
        for located in stage.instructions {
            switch located.value {
            case .run: accounts.scripts += "\n" + located.text
            case .user(let user): checkUser(user.user, at: located.lines, in: accounts)
            case .copy(let copy): checkOwner(copy.transfer.chown, at: located.lines, in: accounts)
            case .add(let add): checkOwner(add.transfer.chown, at: located.lines, in: accounts)
            default: break
            }
        }
    }

    private static let empty: ImageFacts.Base = {
        var base = ImageFacts.Base()
        base.users = []
        base.groups = []
        return base
    }()

    private static func scripts(_ instructions: [Located<Instruction>]) -> String {
        instructions.filter { if case .run = $0.value { true } else { false } }.map(\.text).joined(separator: "\n")
    }

    private mutating func checkUser(_ word: Word, at lines: ClosedRange<Int>, in accounts: KnownAccounts) {
        guard let unknown = accounts.unknown(word) else { return }
        let names = unknown.isGroup ? accounts.groups : accounts.users
        let ending = Suggestion.ending(for: unknown.name, in: names.sorted())
        let kind = unknown.isGroup ? "group" : "user"
        let message = "the base image has no \(kind) \(unknown.name.goQuoted) and no RUN before makes one"
        report("UserUnknown", message + ending, lines, fix: "RUN useradd \(unknown.name), or use a number")
    }

    private mutating func checkOwner(_ word: Word?, at lines: ClosedRange<Int>, in accounts: KnownAccounts) {
        guard let word, let unknown = accounts.unknown(word) else { return }
        let kind = unknown.isGroup ? "group" : "user"
        report(
            "ChownUnresolved",
            "--chown names the \(kind) \(unknown.name.goQuoted), which does not exist here: the files will belong to 0:0",
            lines, fix: "make the \(kind) before, or use a number")
    }

    // MARK: the result

    private mutating func checkEntrypoint(_ stage: Stage) {
        for located in stage.instructions {
            let command: CommandLine
            switch located.value {
            case .entrypoint(let value): command = value
            case .cmd(let value) where !hasEntrypoint(stage): command = value
            default: continue
            }
            guard case .exec(let words) = command, let path = words.first, path.utf8.first == Ascii.slash else {
                continue
            }
            switch options.facts.file(stage.index, path) {
            case .missing:
                let message = "\(located.value.keyword) runs \(path), which the image does not have"
                report("EntrypointMissing", message, located.lines)
            case .notExecutable:
                let message = "\(located.value.keyword) runs \(path), which is not executable"
                report(
                    "EntrypointNotExecutable", message, located.lines,
                    fix: "COPY --chmod=755, or chmod +x it in its RUN")
            default: continue
            }
        }
    }

    private func hasEntrypoint(_ stage: Stage) -> Bool {
        stage.instructions.contains { if case .entrypoint = $0.value { true } else { false } }
    }

    private mutating func checkLayer(_ layer: ImageFacts.BuiltLayer) {
        guard file.stages.indices.contains(layer.stage),
            let located = file.stages[layer.stage].instructions.first(where: { $0.lines.contains(layer.line) })
        else { return }
        let rewritten = layer.rewrites.reduce(Int64(0)) { $0.addingReportingOverflow($1.byteCount).partialValue }
        if let first = layer.rewrites.first {
            let rest = layer.rewrites.count > 1 ? " and \(layer.rewrites.count - 1) more" : ""
            report(
                "RewrittenFiles",
                "the layer stores \(first.path)\(rest) again only to change owner or mode: \(rewritten) bytes",
                located.lines,
                fix: "use COPY --chown/--chmod, or change them in the RUN that makes them")
        }
        let left = layer.leftovers.reduce(Int64(0)) { $0.addingReportingOverflow($1.byteCount).partialValue }
        if let first = layer.leftovers.first {
            report(
                "PackageCacheLeft",
                "the layer keeps package lists or caches such as \(first.path): \(left) bytes", located.lines,
                fix: "remove them in the same RUN, or mount a cache there")
        }
    }

    // MARK: the context

    static let unwanted: Set<String> = [
        ".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "venv", ".tox", ".mypy_cache", ".pytest_cache",
        ".idea", ".vscode", ".DS_Store", ".env", ".terraform", "target", ".gradle", ".build",
    ]

    private mutating func checkContext() {
        let sendsAll = file.stages.flatMap(\.instructions).first { located in
            switch located.value {
            case .copy(let copy): copy.from == nil && copy.transfer.sources.contains { Self.isWhole($0.text) }
            case .add(let add): add.transfer.sources.contains { Self.isWhole($0.text) }
            default: false
            }
        }
        guard let sendsAll else { return }
        let rules = options.facts.ignoreRules ?? IgnoreRules()
        for entry in options.facts.contextEntries
        where Self.unwanted.contains(entry.path) && !rules.excludes(entry.path) {
            report(
                "ContextNotIgnored",
                "\(sendsAll.value.keyword) takes \(entry.path) (\(entry.byteCount) bytes) into the image",
                sendsAll.lines,
                fix: "add a line \(entry.path) to .dockerignore")
        }
    }

    private static func isWhole(_ source: String) -> Bool { [".", "./", "/", "*", "./*"].contains(source) }
}

extension Instruction {
    /// True for USER, and for COPY and ADD with `--chown`.
    fileprivate var namesAccount: Bool {
        switch self {
        case .user: true
        case .copy(let copy): copy.transfer.chown != nil
        case .add(let add): add.transfer.chown != nil
        default: false
        }
    }
}
