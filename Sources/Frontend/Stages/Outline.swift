/// A stage in the list of `--call targets`.
public struct TargetSummary: Hashable, Sendable {
    /// The stage's name, or nil.
    public let name: String?
    /// The stage's number, from 0.
    public let index: Int
    /// The text of the comment `# NAME text` above it.
    public let description: String?
    /// The base, not yet expanded.
    public let base: String
    /// `--platform=`, not yet expanded.
    public let platform: String?
    /// True for the stage that a build without `--target` makes.
    public let isDefault: Bool
    /// The first and last line.
    public let lines: ClosedRange<Int>
}

/// The inputs of a target in the list of `--call outline`.
public struct Outline: Hashable, Sendable {
    /// An argument that the target or its bases declare.
    public struct Argument: Hashable, Sendable {
        public let name: String
        /// The default, expanded with the values before it if possible.
        public let value: String?
        /// The text of the comment `# NAME text` above it.
        public let description: String?
        public let line: Int
    }

    /// A secret or an SSH agent that a RUN mounts.
    public struct CredentialMount: Hashable, Sendable {
        public let id: String
        /// True if the build fails without it.
        public let isRequired: Bool
        /// The line of the RUN.
        public let line: Int
    }

    /// The stage that is built.
    public let target: TargetSummary
    /// The arguments, in the order of the file.
    public let arguments: [Argument]
    /// The secrets of `--mount=type=secret`.
    public let secrets: [CredentialMount]
    /// The SSH agents of `--mount=type=ssh`.
    public let agents: [CredentialMount]
}

extension Dockerfile {
    /// The stages that `--target` can name.
    public var targets: [TargetSummary] {
        stages.map { stage in
            TargetSummary(
                name: stage.name, index: stage.index,
                description: stage.name.flatMap { stage.from.documentation(of: $0) }, base: stage.base.text,
                platform: stage.platform?.text, isDefault: stage.index == stages.count - 1, lines: stage.lines)
        }
    }

    /// Returns the arguments, secrets and SSH agents that `target` uses.
    ///
    /// - Throws: A ``Diagnostic`` for an unknown target or a wrong expansion.
    public func outline(target: String?, _ arguments: BuildArguments) throws(Diagnostic) -> Outline {
        let global = try GlobalScope(self, arguments)
        let graph = try StageGraph(self, global)
        let index = try graph.target(target)
        var list: [Outline.Argument] = []
        let needed = try graph.reachable(from: index)
        let names = globalNames(for: needed, global)
        for line in globalArguments { list += Self.entries(line, values: global.values) { names.contains($0) } }
        var secrets: [Outline.CredentialMount] = []
        var agents: [Outline.CredentialMount] = []
        for stage in needed {
            var scope = Scope(global)
            for located in stages[stage].instructions {
                switch located.value {
                case .arg(let arg):
                    let declared = try scope.declare(arg)
                    let values = Dictionary(declared.map { ($0.name, $0.value ?? "") }) { $1 }
                    let line = Located(
                        value: arg, position: located.position, lines: located.lines, text: located.text,
                        comments: located.comments)
                    list += Self.entries(line, values: values)
                case .env(let env): try scope.set(env)
                case .run(let run):
                    for flag in run.mounts {
                        guard let mount = try? scope.mount(flag) else { continue }
                        let credential = Outline.CredentialMount(
                            id: mount.credentialID, isRequired: mount.isRequired, line: located.lines.lowerBound)
                        if mount.kind == .secret { secrets.append(credential) }
                        if mount.kind == .ssh { agents.append(credential) }
                    }
                default: break
                }
            }
        }
        return Outline(target: targets[index], arguments: Self.unique(list), secrets: secrets, agents: agents)
    }

    /// Returns the global arguments that stages use: in FROM, by an ARG without a default, and in their defaults.
    private func globalNames(for stages: [Int], _ global: GlobalScope) -> Set<String> {
        var names: Set<String> = []
        for stage in stages.map({ self.stages[$0] }) {
            for word in [stage.base, stage.platform].compactMap(\.self) {
                names.formUnion(word.variables(in: global.values, escape: global.escape))
            }
            for case .arg(let arg) in stage.instructions.map(\.value) {
                names.formUnion(arg.declarations.filter { $0.defaultValue == nil }.map(\.name.text))
            }
        }
        for declaration in globalArguments.flatMap(\.value.declarations).reversed() {
            guard names.contains(declaration.name.text), let value = declaration.defaultValue else { continue }
            names.formUnion(value.variables(in: global.values, escape: global.escape))
        }
        return names
    }

    private static func entries(
        _ line: Located<Instruction.Arg>, values: [String: String], where isNeeded: (String) -> Bool = { _ in true }
    ) -> [Outline.Argument] {
        line.value.declarations.filter { isNeeded($0.name.text) }.map { declaration in
            let name = declaration.name.text
            return Outline.Argument(
                name: name, value: values[name], description: line.documentation(of: name),
                line: line.lines.lowerBound)
        }
    }

    /// Merges entries of the same name: the first one stays, with the first value and description of any.
    private static func unique(_ list: [Outline.Argument]) -> [Outline.Argument] {
        var places: [String: Int] = [:]
        var result: [Outline.Argument] = []
        for argument in list {
            guard let place = places[argument.name] else {
                places[argument.name] = result.count
                result.append(argument)
                continue
            }
            let first = result[place]
            result[place] = Outline.Argument(
                name: first.name, value: first.value ?? argument.value,
                description: first.description ?? argument.description, line: first.line)
        }
        return result
    }
}

extension MountSpec {
    /// The id of a secret or agent, with its default applied.
    public var credentialID: String {
        if !id.isEmpty { return id }
        if !source.isEmpty { return source }
        if kind == .ssh { return "default" }
        return target.utf8.split(separator: Ascii.slash).last?.text ?? environmentName ?? ""
    }
}
