import Analysis
import ArgumentParser
import Jobs
import Linux
import OCI

/// The command `thaw analyze`.
struct Analyze: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Report an image's sizes, waste, duplicates, packages, secrets and hazards.",
        discussion: "Example: thaw analyze --format html -o report.html app:latest")
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format.") var format: Format = .text
    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("Write the report to a file. (default: stdout)", valueName: "file"))
    var output: String?
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, html
    }

    func run() async throws {
        let report = try await Report(of: image.exportedImage(in: global.store()), reference: image.text)
        guard output == nil else { return try replaceFile(output ?? "", with: Array(text(of: report).utf8)) }
        format == .json ? Terminal.print(report.json) : Terminal.print(text(of: report))
    }

    private func text(of report: Report) -> String {
        switch format {
        case .text: report.text.visible
        case .json: report.json.text
        case .html: report.html
        }
    }
}
