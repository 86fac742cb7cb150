import ArgumentParser
import ColdStart
import Glibc
import Linux
import OCI
import SystemPackage

/// The command `thaw doctor`.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check what this machine offers, and show how to get what is missing.",
        discussion: "Example: thaw doctor --format json")
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format.") var format: OutputFormat = .text

    func run() async throws {
        let findings = await DoctorChecks.findings(of: try global.store())
        if format == .json {
            return Terminal.print(
                .object([
                    "schemaVersion": .integer(1), "kind": .string("doctor"),
                    "findings": .array(findings.map(\.json)),
                ]))
        }
        for finding in findings {
            Terminal.print("\(finding.isAvailable ? "yes" : "no ")  \(finding.name): \(finding.detail)")
            if let remedy = finding.remedy { Terminal.print("       \(remedy)") }
        }
    }
}
