internal import Glibc
internal import Linux
internal import SystemPackage

/// The program `git`, run so that neither this machine's settings nor the repository decide what it does.
///
/// No settings files, no hooks, no prompts, no programs named by attributes; transports are those that a context may
/// have, for submodules too.
struct Git: Sendable {
    let area: Directory
    let work: Interruptible
    private let environment: [String]

    /// `settings` are taken as if they stood in a settings file: secrets are safe in them, since no command line shows
    /// them.
    init(in area: Directory, _ work: Interruptible, settings: [(name: String, value: String)] = []) {
        self.area = area
        self.work = work
        var environment = [
            "HOME=/dev/null", "XDG_CONFIG_HOME=/dev/null", "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1",
            "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_ATTR_NOSYSTEM=1",
            "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false", "SSH_ASKPASS=/bin/false",
            "GIT_SSH_COMMAND=ssh -oBatchMode=yes -oConnectTimeout=30",
        ]
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

    /// How this machine reaches the network.
    private static let inherited = [
        "PATH", "SSH_AUTH_SOCK", "http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY",
        "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_NO_VERIFY",
    ]

    private static let settings: [(name: String, value: String)] = [
        ("core.hooksPath", "/dev/null"), ("core.fsmonitor", "false"), ("core.symlinks", "true"),
        ("core.attributesFile", "/dev/null"), ("gc.auto", "0"), ("maintenance.auto", "false"),
        ("advice.detachedHead", "false"), ("init.defaultBranch", "main"), ("fetch.recurseSubmodules", "false"),
        ("core.logAllRefUpdates", "false"),
        ("safe.directory", "*"),
    ]

    /// Runs one command; what it wrote.
    ///
    /// - Throws: ``BuildError/gitFailed(_:reason:)`` with the last line of its complaint, ``BuildError/noProgram(_:package:)``.
    @discardableResult
    func run(_ words: [String], for remote: String, allowsFiles: Bool = false) throws -> [UInt8] {
        let outcome = try outcome(words, allowsFiles: allowsFiles)
        guard outcome.status == 0 else {
            let reason = outcome.complaint.isEmpty ? "git did not say why" : outcome.complaint
            throw BuildError.gitFailed(SourceAddress.redacted(remote), reason: reason)
        }
        return outcome.output
    }

    /// Whether a command ends well.
    func succeeds(_ words: [String]) throws -> Bool { try outcome(words, allowsFiles: false).status == 0 }

    private func outcome(_ words: [String], allowsFiles: Bool) throws -> Program.Outcome {
        let protocols = "GIT_ALLOW_PROTOCOL=" + (allowsFiles ? "file" : "http:https:ssh:git")
        let program = Program(words: ["git"] + words, environment: environment + [protocols])
        do {
            return try program.run(in: area, work)
        } catch let error as SystemError where error.errno == .noSuchFileOrDirectory && error.operation == "run" {
            throw BuildError.noProgram("git", package: "git")
        }
    }
}
