import ArgumentParser
import Jobs
import TTY

/// The command `thaw debug`.
struct Debug: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open a shell where the last build failed.",
        discussion: """
            The shell has the files that the failed command left, and its environment, user, network, mounts and \
            limits; options replace single limits, and without --timeout it has no time limit. They are kept until \
            the next build. The exit status is that of the shell.
            Example: thaw debug --memory 2g
            Example: thaw debug make VERBOSE=1
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var limits: StepLimitArguments
    @Argument(parsing: .captureForPassthrough, help: "Command to run instead of the shell, with its options.")
    var command: [String] = []

    func run() async throws {
        // The parser passes everything behind the options on, also a request for help.
        if let first = command.first, ["-h", "--help"].contains(first) { throw CleanExit.helpRequest(self) }
        let job = try DebugJob(in: try global.store())
        let status = try await job.run(command, limits: limits.limits, TerminalHost())
        if status != 0 { throw ExitCode(status) }
    }
}
