extension Instruction {
    /// All keywords, for suggestions.
    static let keywords = [
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
        "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    ]

    /// Checks a syntax node: its flags, the number of arguments, and the values that need no expansion.
    init(_ node: SyntaxNode) throws(Diagnostic) {
        switch node.name {
        case "arg": self = .arg(try Arg(node))
        case "env": self = .env(Env(pairs: try Pair.list(node)))
        case "label": self = .label(Label(pairs: try Pair.list(node)))
        case "run": self = .run(try Run(node))
        case "cmd": self = .cmd(try CommandLine(checking: node))
        case "entrypoint": self = .entrypoint(try CommandLine(checking: node))
        case "shell": self = .shell(try Shell(node))
        case "workdir": self = .workdir(Workdir(path: try node.onlyArgument()))
        case "user": self = .user(UserAndGroup(user: try node.onlyArgument()))
        case "copy": self = .copy(try Copy(node))
        case "add": self = .add(try Add(node))
        case "volume": self = .volume(try Volume(node))
        case "expose": self = .expose(try Expose(node))
        case "stopsignal": self = .stopSignal(try StopSignal(node))
        case "healthcheck": self = .healthcheck(try Healthcheck(node))
        case "onbuild": self = .onBuild(try OnBuild(node))
        case "maintainer": self = .maintainer(Maintainer(name: try node.onlyArgument().text))
        default: throw node.unknownInstruction
        }
    }
}

extension SyntaxNode {
    var unknownInstruction: Diagnostic {
        let name = keyword.text
        let ending = Suggestion.ending(for: name, in: Instruction.keywords)
        return Diagnostic(keyword.position, "unknown instruction: \(name)\(ending)")
    }

    private var shown: String { name.asciiUppercased }

    func onlyArgument() throws(Diagnostic) -> Word {
        _ = try Flags(self)
        guard arguments.count == 1 else {
            throw Diagnostic(keyword.position, "\(shown) requires exactly one argument")
        }
        return arguments[0]
    }

    func someArguments() throws(Diagnostic) -> [Word] {
        guard !arguments.isEmpty else {
            throw Diagnostic(keyword.position, "\(shown) requires at least one argument")
        }
        return arguments
    }
}

extension CommandLine {
    init(_ words: [Word], isJSON: Bool) {
        self = isJSON ? .exec(words.map(\.text)) : .shell(words.map(\.text).joined(separator: " "))
    }

    init(checking node: SyntaxNode) throws(Diagnostic) {
        _ = try Flags(node)
        self.init(node.arguments, isJSON: node.isJSON)
    }
}

extension Instruction.Arg {
    init(_ node: SyntaxNode) throws(Diagnostic) {
        _ = try Flags(node)
        var declarations: [Declaration] = []
        for word in try node.someArguments() {
            guard let (name, value) = word.text.cut(Ascii.equals) else {
                declarations.append(Declaration(name: word, defaultValue: nil))
                continue
            }
            if name.isEmpty { throw Diagnostic(word.position, "ARG names can not be blank") }
            let column = word.position.column + name.utf8.count + 1
            let place = Position(line: word.position.line, column: column)
            declarations.append(
                Declaration(name: Word(name, at: word.position), defaultValue: Word(value, at: place)))
        }
        self.init(declarations: declarations)
    }
}

extension Instruction.Pair {
    static func list(_ node: SyntaxNode) throws(Diagnostic) -> [Instruction.Pair] {
        _ = try Flags(node)
        let words = try node.someArguments()
        var pairs: [Instruction.Pair] = []
        for index in stride(from: 0, to: words.count - 2, by: 3) {
            if words[index].text.isEmpty {
                throw Diagnostic(words[index].position, "\(node.name.asciiUppercased) names can not be blank")
            }
            let isLegacy = words[index + 2].text.isEmpty
            pairs.append(Instruction.Pair(key: words[index], value: words[index + 1], isLegacy: isLegacy))
        }
        return pairs
    }
}

extension Instruction.Run {
    init(_ node: SyntaxNode) throws(Diagnostic) {
        let flags = try Flags(node, ["mount": .list, "network": .string, "security": .string, "device": .list])
        command = CommandLine(node.arguments, isJSON: node.isJSON)
        heredocs = node.heredocs
        body = Self.body(command, node.heredocs)
        var mounts: [MountFlag] = []
        for word in flags.list("mount") { mounts.append(try MountFlag(word)) }
        self.mounts = mounts
        network = try Self.choice(flags.word("network")) { "invalid network mode: \($0)" }
        security = try Self.choice(flags.word("security")) { "security \($0.goQuoted) is not valid" }
        devices = flags.list("device")
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ word: Word?, _ complaint: (String) -> String
    ) throws(Diagnostic) -> Choice? {
        guard let word else { return nil }
        if let choice = Choice(rawValue: word.text) { return choice }
        let ending = Suggestion.ending(for: word.text, in: Choice.allCases.map(\.rawValue))
        throw Diagnostic(word.position, complaint(word.text) + ending)
    }

    /// Returns the command to run.
    ///
    /// A command that is only one heredoc is a script. With any other text, the shell reads the heredocs.
    private static func body(_ command: CommandLine, _ heredocs: [Heredoc]) -> Body {
        switch command {
        case .exec(let words): return .exec(words)
        case .shell(let text):
            guard let first = heredocs.first else { return .shell(text) }
            if Heredoc(text, at: first.position) != nil {
                let isScript = first.content.utf8.starts(with: "#!".utf8)
                return isScript ? .script(name: first.name, contents: first.content) : .shell(first.content)
            }
            return .shell(heredocs.reduce(text) { "\($0)\n\($1.body)\($1.name)" })
        }
    }
}

extension Instruction.Shell {
    init(_ node: SyntaxNode) throws(Diagnostic) {
        _ = try Flags(node)
        let arguments = try node.someArguments()
        guard node.isJSON else {
            throw Diagnostic(arguments[0].position, "SHELL requires the arguments to be in JSON form")
        }
        words = arguments.map(\.text)
    }
}

extension Instruction.Volume {
    init(_ node: SyntaxNode) throws(Diagnostic) {
        _ = try Flags(node)
        let words = try node.someArguments()
        paths = words.map { Word($0.text.trimmed, at: $0.position) }
        if let empty = paths.first(where: \.text.isEmpty) {
            throw Diagnostic(empty.position, "VOLUME specified can not be an empty string")
        }
    }
}

extension Instruction.Expose {
    init(_ node: SyntaxNode) throws(Diagnostic) {
        let words = try node.someArguments()
        _ = try Flags(node)
        ports = words.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
        for port in ports where !port.mayExpand { _ = try ExposedPort.list(port.text, at: port.position) }
    }
}

extension Instruction.StopSignal {
    init(_ node: SyntaxNode) throws(Diagnostic) {
        signal = try node.onlyArgument()
        if !signal.mayExpand { try SignalName.check(signal.text, at: signal.position) }
    }
}

extension Instruction.OnBuild {
    init(_ node: SyntaxNode) throws(Diagnostic) {
        _ = try Flags(node)
        guard let inner = node.trigger.first else {
            throw Diagnostic(node.keyword.position, "ONBUILD requires at least one argument")
        }
        switch inner.name {
        case "onbuild":
            throw Diagnostic(inner.keyword.position, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
        case "maintainer", "from":
            let name = inner.name.asciiUppercased
            throw Diagnostic(inner.keyword.position, "\(name) isn't allowed as an ONBUILD trigger")
        default: break
        }
        let text = node.original.utf8.drop(while: \.isBlank).dropFirst(7).drop(while: \.isBlank).text
        var judged = inner
        judged.heredocs = node.heredocs
        let full = node.heredocs.reduce(text) { "\($0)\n\($1.body)\($1.name)" }
        do {
            self.init(trigger: full, instruction: try Instruction(judged), problem: nil)
        } catch {
            self.init(trigger: full, instruction: nil, problem: error)
        }
    }
}
