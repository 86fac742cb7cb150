import ArgumentParser
import Jobs

/// The command `thaw doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check what this machine offers, and show how to get what is missing.",
        discussion: "Example: thaw doctor --format json")
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format.") var format: OutputFormat = .text

    func run() async throws {
        let findings = await Doctor.examine(try global.store())
        if format == .json { return Terminal.print(Doctor.document(findings)) }
        for finding in findings {
            Terminal.print("\(finding.isAvailable ? "yes" : "no ")  \(finding.name): \(finding.detail)")
            if let remedy = finding.remedy { Terminal.print("       \(remedy)") }
        }
    }
}
