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
        let text =
            switch format {
            case .text: report.text
            case .json: String(decoding: report.json.prettyBytes, as: UTF8.self)
            case .html: report.html
            }
        if let output { try replaceFile(output, with: Array(text.utf8)) } else { Terminal.print(text) }
    }
}
