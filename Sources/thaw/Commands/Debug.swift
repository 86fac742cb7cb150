import ArgumentParser
import Build
import Jobs
import Linux
import OCI
import Sandbox
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
        let store = try global.store()
        guard let step = try FailedStep(in: store) else {
            throw Failure(
                "there is no failed step in this store",
                remedy: "a failed RUN is kept until the next build starts")
        }
        var options = step.options
        try RunLimit.apply(limits.limits, to: &options)
        let lease = try store.lease()
        let words = command.first == "--" ? Array(command.dropFirst()) : command
        Terminal.report("\(step.place): \(step.command)")
        if words.isEmpty {
            Terminal.report("run it again with: \(step.shell.joined(separator: " ")) ...; end the shell with exit")
        }
        let terminal = Environment["TERM"].map { ["TERM=\($0)"] } ?? []
        let status = try await step.run(words, environment: terminal, options: options) {
            Terminal.report("note: \($0)")
        }
        try lease.release()
        if !status.isSuccess { throw ExitCode(status.code) }
    }
}
