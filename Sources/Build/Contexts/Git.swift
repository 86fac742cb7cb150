internal import Glibc
internal import Linux
internal import SystemPackage

/// The program `git`, isolated from this machine's settings and from the repository's.
///
/// It has no settings files, no hooks, no prompts and no programs set by attributes. It runs in the work area and looks
/// for no repository above it, so that of the user's current directory has no influence. Only transports that a context
/// may have are allowed, for submodules too.
struct Git: Sendable {
    let area: Directory
    let work: Interruptible
    private let environment: [String]
    /// The agent of `--ssh`.
    private let agent: RunningAgent?
    private let directory: FilePath

    /// Prepares an environment; `settings` count as if they were in a settings file.
    ///
    /// They may contain secrets, since no command line shows them. SSH uses the keys of `agent` only: a Dockerfile or a
    /// submodule can't use the keys of the build's user without `--ssh`.
    init(
        in area: Directory, _ work: Interruptible, settings: [(name: String, value: String)] = [],
        agent: RunningAgent? = nil
    ) {
        self.area = area
        self.work = work
        let ssh = "ssh -oBatchMode=yes -oConnectTimeout=30 -oIdentityFile=/dev/null"
        self.agent = agent
        let connection =
            if let agent {
                ["GIT_SSH_COMMAND=\(ssh)", "SSH_AUTH_SOCK=\(agent.socket)"]
            } else {
                ["GIT_SSH_COMMAND=\(ssh) -oIdentityAgent=none -oIdentitiesOnly=yes"]
            }
        directory = area.path.absolute
        var environment = [
            "GIT_CEILING_DIRECTORIES=\(directory.removingLastComponent())",
            "HOME=/dev/null", "XDG_CONFIG_HOME=/dev/null", "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1",
            "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_ATTR_NOSYSTEM=1",
            "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false", "SSH_ASKPASS=/bin/false",
        ]
        environment += connection
        for name in Self.inherited {
            if let value = unsafe getenv(name) { environment.append("\(name)=\(unsafe String(cString: value))") }
        }
        let all = Self.settings + settings
        environment.append("GIT_CONFIG_COUNT=\(all.count)")
        for (index, setting) in all.enumerated() {
            environment += ["GIT_CONFIG_KEY_\(index)=\(setting.name)", "GIT_CONFIG_VALUE_\(index)=\(setting.value)"]
        }
        self.environment = environment
    }

    /// The variables for network access.
    private static let inherited = [
        "PATH", "http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY",
        "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_NO_VERIFY",
    ]

    private static let settings: [(name: String, value: String)] = [
        ("core.hooksPath", "/dev/null"), ("core.fsmonitor", "false"), ("core.symlinks", "true"),
        ("core.attributesFile", "/dev/null"), ("gc.auto", "0"), ("maintenance.auto", "false"),
        ("advice.detachedHead", "false"), ("init.defaultBranch", "main"), ("fetch.recurseSubmodules", "false"),
        ("core.logAllRefUpdates", "false"),
        ("safe.directory", "*"),
    ]

    /// Runs one command; returns its stdout.
    ///
    /// - Throws: ``BuildError/gitFailed(_:reason:)`` with the line of stderr that has the reason,
    ///   ``BuildError/noProgram(_:package:)``.
    @discardableResult
    func run(_ words: [String], for remote: String, allowsFiles: Bool = false) throws -> [UInt8] {
        let outcome = try outcome(words, allowsFiles: allowsFiles)
        guard outcome.status == 0 else {
            var reason = outcome.stderrLine.isEmpty ? "git printed no reason" : outcome.stderrLine
            let usesSSH = remote.hasPrefix("ssh://") || !remote.contains("://") && remote.contains("@")
            if usesSSH, agent == nil { reason += " (your SSH keys are used only with --ssh default)" }
            throw BuildError.gitFailed(SourceAddress.redacted(remote), reason: reason)
        }
        return outcome.output
    }

    /// True if a command exits with status 0.
    func succeeds(_ words: [String]) throws -> Bool { try outcome(words, allowsFiles: false).status == 0 }

    private func outcome(_ words: [String], allowsFiles: Bool) throws -> HostProgram.RunResult {
        let protocols = "GIT_ALLOW_PROTOCOL=" + (allowsFiles ? "file" : "http:https:ssh:git")
        let command = ["git", "-C", directory.string] + words
        let program = HostProgram(words: command, environment: environment + [protocols])
        do {
            return try program.run(in: area, work)
        } catch let error as SystemError where error.errno == .noSuchFileOrDirectory && error.operation == "run" {
            throw BuildError.noProgram("git", package: "git")
        }
    }
}
