internal import Frontend
internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

/// A RUN with the command's whole environment.
struct RunJob: Sendable {
    /// The arguments of the process.
    let words: [String]
    /// The mounts of the command.
    let mounts: [RunMount]
    private let environment: [String]
    /// Variables that may hold passwords.
    let proxies: [String]
    private let workingDirectory: String
    let network: BuildRequest.RunNetwork
    let isPrivileged: Bool
    let options: BuildRequest.RunOptions
    /// The user of the command, from USER.
    let user: String
    /// A heredoc that starts with `#!`; the command finds it at `/dev/pipes/NAME`.
    private let script: (name: String, contents: String)?

    /// The host name: that of `--build-arg BUILDKIT_SANDBOX_HOSTNAME`, or BuildKit's.
    let hostname: String
    /// The host name without the build argument.
    static let usualHostname = "buildkitsandbox"

    /// The command in one line.
    var text: String { words.joined(separator: " ") }

    init(_ run: Instruction.Run, mounts: [RunMount], in stage: StageBuilder) {
        words = run.body.words(shell: stage.shell)
        self.mounts = mounts
        script = if case .script(let name, let contents) = run.body { (name, contents) } else { nil }
        environment = stage.scope.runEnvironment.map(\.description)
        proxies = stage.plan.scope.arguments.proxyEnvironment.map(\.description)
        workingDirectory = stage.workingDirectory
        user = stage.user
        network = run.network.flatMap(BuildRequest.RunNetwork.init) ?? stage.shared.request.network
        isPrivileged = run.security == .insecure
        options = stage.shared.request.run
        hostname = stage.plan.scope.arguments.values["BUILDKIT_SANDBOX_HOSTNAME"] ?? Self.usualHostname
    }

    /// Returns a key of all inputs except the content of bound files.
    ///
    /// By convention, the result doesn't depend on proxies, secrets, caches, addresses and resource limits.
    func key(on stage: StageBuilder) -> StepFingerprint {
        var key = StepFingerprint("run", on: stage)
        key.add("the command", words)
        key.add("variable", variables: environment)
        key.add("WORKDIR", workingDirectory)
        key.add("USER", user)
        key.add("the network", network.rawValue)
        for mount in mounts { key.hash("mount", mount.text) }
        let mounted = mounts.map { $0.text.split(separator: "\0").joined(separator: " ") }
        key.explain { [StepInput(name: "--mount", value: mounted.joined(separator: ", "))] }
        key.add("--security", isPrivileged ? "insecure" : "sandbox")
        key.add("--add-host", options.hosts.map(\.name))
        key.add("--ulimit", options.limits.map { "\($0.resource) \($0.soft) \($0.hard)" })
        if let script { key.add("the script", script.contents) }
        if hostname != Self.usualHostname { key.add("the host name", hostname) }
        return key
    }

    /// Returns the command for a container, without its mounts and its network.
    ///
    /// SOURCE_DATE_EPOCH makes the output of compilers and archivers reproducible. With it, Python writes bytecode that
    /// stays valid for any time of its source.
    func command(account: Account, epoch: Int64) throws -> Command {
        var environment = environment + proxies
        if !environment.contains(where: { $0.hasPrefix("SOURCE_DATE_EPOCH=") }) {
            environment.append("SOURCE_DATE_EPOCH=\(epoch)")
        }
        var command = Command(words, environment: environment)
        command.workingDirectory = FilePath(workingDirectory)
        command.account = account
        command.hostname = hostname
        command.isPrivileged = isPrivileged
        command.users = options.users
        try options.limit(&command)
        if let script {
            let place = FilePath("/dev/pipes/\(script.name)")
            let content = Attachment.Source.content(Array(script.contents.utf8), mode: 0o755, uid: 0, gid: 0)
            command.attachments.append(Attachment(content, at: place, isReadOnly: true))
        }
        return command
    }
}

extension BuildRequest.RunNetwork {
    /// The network that the instruction requests; nil for the build's default.
    fileprivate init?(_ network: Instruction.Run.NetworkMode) {
        switch network {
        case .none: self = .none
        case .host: self = .host
        case .default: return nil
        }
    }
}
