import ArgumentParser
import Jobs
import TTY

/// The command `thaw doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check what this machine offers, and show how to get what is missing.",
        discussion: "Example: thaw doctor --format json")
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format.") var format: OutputFormat = .text

    func run() async throws {
        let findings = await Doctor.examine(try global.store())
        format == .json ? Terminal.print(Doctor.document(findings)) : Terminal.print(Doctor.text(findings))
    }
}

/// The command `info`, which programs call to find out that a container tool works.
struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what programs read from 'docker info'.", discussion: "Example: thaw info --format '{{json .}}'",
        shouldDisplay: false)
    @OptionGroup var global: GlobalOptions
    @Option(help: ArgumentHelp("Go template. (default: {{json .}})", valueName: "template"))
    var format = "{{json .}}"

    func run() throws {
        let document = DockerInfo.document(version: Version.text, store: global.path)
        Terminal.print(try Template(format == "json" ? "{{json .}}" : format).text(of: document))
    }
}
