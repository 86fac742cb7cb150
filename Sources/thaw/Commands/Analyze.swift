import Analysis
import ArgumentParser
import Jobs
import Linux
import OCI
import Project
import SystemPackage

/// The command `thaw analyze`.
struct Analyze: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Report an image's sizes, waste, duplicates, packages, secrets and hazards.",
        discussion: """
            Example: thaw analyze --format html -o report.html app:latest
            Example: thaw analyze --files --layer 0 app:latest
            """)
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format; ndjson needs --files; spdx and cyclonedx list the packages.") var format: Format =
        .text
    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("Write the report to a file. (default: stdout)", valueName: "file"))
    var output: String?
    @Option(help: "Metric of efficiency and waste: thaw counts live files, dive gives the figures of dive.")
    var metric: Metric = .thaw
    @Flag(help: "List every file with its layer, and the later layer that hides it.") var files = false
    @Option(help: ArgumentHelp("With --files: only the files of this layer; 0 is the lowest.", valueName: "number"))
    var layer: Int?
    @Option(help: "With --files: the order.") var sort: Sort = .size
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
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, ndjson, html, spdx, cyclonedx
    }

    enum Metric: String, ExpressibleByArgument, CaseIterable {
        case thaw, dive
    }

    enum Sort: String, ExpressibleByArgument, CaseIterable {
        case size, path
    }

    func validate() throws {
        if files, [.html, .spdx, .cyclonedx].contains(format) {
            throw ValidationError("--files has no form \(format.rawValue)")
        }
        if !files, format == .ndjson { throw ValidationError("--format ndjson needs --files") }
        if files, metric == .dive { throw ValidationError("--metric has no effect with --files") }
        if !files, layer != nil || depth != nil { throw ValidationError("--layer and --depth need --files") }
        if target != nil, dockerfile == nil { throw ValidationError("--target needs --dockerfile") }
        if let depth, depth < 0 { throw ValidationError("--depth \(depth) is negative") }
    }

    func run() async throws {
        let store = try global.store()
        let subject = try await image.exportedImage(in: store)
        let text = try await text(subject, store)
        guard let output else {
            return format == .text || format == .html ? Terminal.print(text) : Terminal.print(json: text)
        }
        try replaceFile(output, with: Array((format == .text ? text.visible : text).utf8))
    }

    private func text(_ subject: Image, _ store: Store) async throws -> String {
        if files { return try await fileText(subject, store) }
        let job = AnalyzeJob(in: store)
        switch format {
        case .spdx: return try await job.packages(of: subject, named: image.text, .spdx, version: Thaw.version).text
        case .cyclonedx:
            return try await job.packages(of: subject, named: image.text, .cycloneDX, version: Thaw.version).text
        case .text, .json, .ndjson, .html: return try await reportText(subject, store)
        }
    }

    private func reportText(_ subject: Image, _ store: Store) async throws -> String {
        let project = try ProjectFile.read(config, beside: ".")
        let policy = try SecretPolicy(project, file: config ?? "thaw.toml")
        var report = try await AnalyzeJob(in: store, policy: policy).report(
            on: subject, named: image.text, asDive: metric == .dive)
        report.setSources(try places(of: subject).places)
        return switch format {
        case .html: report.html
        case .json, .ndjson, .spdx, .cyclonedx: report.json.text
        case .text: report.text
        }
    }

    private func places(of subject: Image) throws -> DockerfilePlaces {
        guard let dockerfile else { return .none }
        let places = try DockerfilePlaces(of: subject, in: dockerfile, target: target)
        if places == .none { TerminalHost().note("the history of '\(image.text)' is not that of '\(dockerfile)'") }
        return places
    }

    private func fileText(_ subject: Image, _ store: Store) async throws -> String {
        let options = FileReport.FileSelection(layer: layer, order: sort == .size ? .size : .path, depth: depth)
        var report = try await AnalyzeJob(in: store).files(of: subject, named: image.text, options)
        report.setSources(try places(of: subject).places)
        return switch format {
        case .json: report.json.text
        case .ndjson: report.lines.map { $0.line + "\n" }.joined()
        case .text, .html, .spdx, .cyclonedx: report.text
        }
    }
}
