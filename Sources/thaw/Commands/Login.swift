import ArgumentParser
import Glibc
import Jobs
import Linux
import OCI
import Registry
import SystemPackage

/// The command `thaw login`.
struct Login: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Log in to a registry.",
        discussion: """
            The credentials are stored where docker and podman find them too.
            Example: thaw login --username ci --password-stdin registry.example.com < password
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var registry: RegistryOptions
    @Option(name: [.customShort("u"), .long], help: ArgumentHelp("Username.", valueName: "name")) var username: String?
    @Flag(help: "Take the password from stdin.") var passwordStdin = false
    @Argument(help: ArgumentHelp("Registry: HOST[:PORT]", valueName: "registry")) var host = "docker.io"

    func run() async throws {
        let host = try Registries.host(host)
        let user = try username ?? Prompt.ask("Username for \(host): ", isHidden: false)
        let password =
            passwordStdin ? try Prompt.standardInput() : try Prompt.ask("Password for \(host): ", isHidden: true)
        guard !user.isEmpty, !password.isEmpty else {
            throw Failure("the user name or the password is empty", status: .usage)
        }
        let file = try Registries.loginFile(registry.authfile)
        try await registry.client().login(host, .password(user: user, password), keepingIn: file)
        Terminal.report("logged in to \(host)")
    }
}

/// The command `thaw logout`.
struct Logout: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Log out from a registry.",
        discussion: "Example: thaw logout registry.example.com")
    @OptionGroup var global: GlobalOptions
    @Option(
        help: ArgumentHelp("File with credentials. (default: $REGISTRY_AUTH_FILE, or docker's)", valueName: "path"))
    var authfile: String?
    @Argument(help: ArgumentHelp("Registry: HOST[:PORT]", valueName: "registry")) var host = "docker.io"

    func run() throws {
        let host = try Registries.host(host)
        guard try Registries.loginFile(authfile).forget(host) else { throw Failure("not logged in to \(host)") }
        Terminal.report("logged out of \(host)")
    }
}

/// The input of user names and passwords.
private enum Prompt {
    private static let limit = 64 << 10

    /// Reads all of stdin, without line breaks at the end.
    static func standardInput() throws -> String {
        let bytes = try OwnedDescriptor("/dev/stdin").readAll(limit: limit)
        return String(decoding: bytes, as: UTF8.self).trimmingLineEnd
    }

    /// Reads a line from the terminal, without echo if `isHidden`.
    static func ask(_ question: String, isHidden: Bool) throws -> String {
        guard isatty(STDIN_FILENO) == 1 else {
            throw Failure(
                "there is no terminal to ask for a user name and a password",
                remedy: "use --username and --password-stdin", status: .usage)
        }
        var settings = termios()
        unsafe tcgetattr(STDIN_FILENO, &settings)
        var silent = settings
        if isHidden { silent.c_lflag &= ~tcflag_t(ECHO) }
        unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer { unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings) }
        Terminal.prompt(question)
        let line = readLine() ?? ""
        if isHidden { Terminal.endLine() }
        return line.trimmingLineEnd
    }
}

extension String {
    fileprivate var trimmingLineEnd: String {
        var text = self[...]
        while let last = text.last, last.isNewline { text = text.dropLast() }
        return String(text)
    }
}
