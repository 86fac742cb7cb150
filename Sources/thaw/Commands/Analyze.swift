public import Analysis
public import ArgumentParser
public import Jobs
import TTY

/// The command `thaw analyze`.
struct Analyze: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Report an image's sizes, waste, duplicates, packages, secrets and hazards.",
        discussion: """
            Example: thaw analyze --format html -o report.html app:latest
            Example: thaw analyze --files --layer 0 app:latest
            """)
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format; ndjson needs --files; spdx and cyclonedx list the packages.") var format:
        AnalyzeRequest.AnalysisFormat = .text
    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("Write the report to a file. (default: stdout)", valueName: "file"))
    var output: String?
    @Option(help: "Metric of efficiency and waste: thaw counts live files, dive gives the figures of dive.")
    var metric: AnalyzeRequest.Metric = .thaw
    @Flag(help: "List every file with its layer, and the later layer that hides it.") var files = false
    @Option(help: ArgumentHelp("With --files: only the files of this layer; 0 is the lowest.", valueName: "number"))
    var layer: Int?
    @Option(help: "With --files: the order.") var sort: FileList.Order = .size
    @Option(
        help: ArgumentHelp(
            "With --files: sum up directories down to this depth instead; 0 is the root.", valueName: "number"))
    var depth: Int?
    @Option(
        help: ArgumentHelp(
            "File with own rules and allowed places of secrets. (default: ./thaw.toml)", valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp("Dockerfile of the image, whose lines are shown at its layers.", valueName: "file"))
    var dockerfile: String?
    @Option(help: ArgumentHelp("Stage of --dockerfile that was built. (default: the last)", valueName: "stage"))
    var target: String?
    @Argument(help: ArgumentHelp(Transport.help)) var image: NamedImage

    func validate() throws {
        if let conflict = request.conflict { throw ValidationError(conflict) }
    }

    private var request: AnalyzeRequest {
        var all = AnalyzeRequest()
        (all.format, all.metric, all.listsFiles) = (format, metric, files)
        all.selection = FileReport.FileSelection(layer: layer, order: sort, depth: depth)
        (all.config, all.dockerfile, all.target) = (config, dockerfile, target)
        return all
    }

    func run() async throws {
        let store = try global.store()
        let subject = try await image.exported(in: store)
        let report = try await request.printout(of: subject, named: image.text, in: store, TerminalHost())
        guard let output else { return Terminal.print(report) }
        try report.replace(output)
    }
}

extension AnalyzeRequest.AnalysisFormat: ExpressibleByArgument {}
extension AnalyzeRequest.Metric: ExpressibleByArgument {}
extension FileList.Order: ExpressibleByArgument {}
