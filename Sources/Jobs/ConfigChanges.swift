internal import Frontend
public import OCI

/// The instructions of `thaw import --change`, which change only the configuration.
public struct ConfigChanges {
    private let instructions: [Instruction]
    private let scope: Scope

    /// Parses instructions; a malformed one, or one that changes files, is a usage failure.
    public init(_ texts: [String]) throws {
        do {
            let dockerfile = try Dockerfile(
                parsing: Array(("FROM scratch\n" + texts.joined(separator: "\n")).utf8), name: "--change")
            scope = Scope(try GlobalScope(dockerfile, BuildArguments(build: .host)))
            instructions = dockerfile.stages[0].instructions.map(\.value)
        } catch {
            throw Failure("\(error)", status: .usage)
        }
        for instruction in instructions
        where !["CMD", "ENTRYPOINT", "ENV", "EXPOSE", "LABEL", "USER", "VOLUME", "WORKDIR"].contains(
            instruction.keyword)
        {
            throw Failure("--change cannot apply \(instruction.keyword)", status: .usage)
        }
    }

    /// Applies the changes to `config`, in order.
    public func apply(to config: inout ImageConfig) throws {
        var scope = scope
        do throws(Diagnostic) {
            for instruction in instructions { try Self.apply(instruction, &scope, to: &config) }
        } catch {
            throw Failure("--change: \(error.message)", status: .usage)
        }
    }

    private static func apply(_ instruction: Instruction, _ scope: inout Scope, to config: inout ImageConfig)
        throws(Diagnostic)
    {
        switch instruction {
        case .cmd(let command): config.command = command.words(shell: ["/bin/sh", "-c"])
        case .entrypoint(let command): config.entrypoint = command.words(shell: ["/bin/sh", "-c"])
        case .env(let env):
            try scope.set(env)
            config.environment = scope.configEnvironment.map(\.description)
        case .expose(let expose):
            config.exposedPorts = Set(config.exposedPorts + (try scope.ports(expose).map(\.text))).sorted()
        case .label(let label): for pair in try scope.expand(label.pairs) { config.labels[pair.name] = pair.value }
        case .user(let user): config.user = try scope.expand(user.user)
        case .volume(let volume): for path in volume.paths { config.volumes.append(try scope.expand(path)) }
        case .workdir(let workdir): config.workingDirectory = try scope.expand(workdir.path)
        default: return
        }
    }
}
