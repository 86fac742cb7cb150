import ArgumentParser
import Glibc
import Jobs
import Linux
import OCI
import Registry
import SystemPackage
import TTY

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
