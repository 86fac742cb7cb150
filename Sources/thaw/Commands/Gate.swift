import ArgumentParser
import Jobs
import OCI
import Project
import SystemPackage

/// The command `thaw gate`.
struct Gate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check an image against the budgets in thaw.toml.",
        discussion: """
            The exit status is 2 if the image exceeds a budget.
            Example: thaw gate --config thaw.toml app:latest
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: BootOptions
    @Option(help: ArgumentHelp("File with the budgets. (default: ./thaw.toml)", valueName: "file")) var config: String?
    @Option(help: "Output format.") var format: OutputFormat = .text
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    func run() async throws {
        let project = try ProjectFile.read(config ?? "thaw.toml", beside: ".")
        guard !project.budget.isEmpty else {
            throw Failure("\(config ?? "thaw.toml") has no [budget]", status: .usage)
        }
        let store = try global.store()
        let subject = try await image.exportedImage(in: store)
        let job = GateJob(in: store, project, start: try options.start(), host: TerminalHost())
        let verdict = try await job.verdict(on: subject)
        switch format {
        case .text: Terminal.print(verdict.text)
        case .json: Terminal.print(verdict.document)
        }
        if !verdict.holds { throw ExitCode(CommandStatus.gateBroken.rawValue) }
    }
}
