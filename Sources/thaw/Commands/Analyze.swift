import Analysis
import ArgumentParser
import Linux
import OCI

/// `thaw analyze`
struct Analyze: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show where an image's bytes are, what is wasted and what is dangerous.",
        discussion: "Example: thaw analyze --format html -o report.html app:latest")
    @OptionGroup var global: GlobalOptions
    @Option(help: "text, json or html") var format: Format = .text
    @Option(
        name: [.customShort("o"), .long], help: ArgumentHelp("Write to a file. (default: stdout)", valueName: "file"))
    var output: String?
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, html
    }

    func run() async throws {
        let report = try await Report(of: image.image(in: global.store()), reference: image.text)
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
