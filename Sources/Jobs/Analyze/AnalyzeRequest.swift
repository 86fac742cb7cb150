public import Analysis
public import OCI
internal import Project
internal import SystemPackage

/// The options of `thaw analyze` as they were written.
public struct AnalyzeRequest: Sendable {
    /// The form of the report.
    public enum AnalysisFormat: String, Sendable, CaseIterable {
        case text, json, ndjson, html, spdx, cyclonedx
    }

    /// The metric of efficiency and waste.
    public enum Metric: String, Sendable, CaseIterable {
        case thaw, dive
    }

    /// The form of the report.
    public var format = AnalysisFormat.text
    /// The metric of efficiency and waste.
    public var metric = Metric.thaw
    /// True to list the files.
    public var listsFiles = false
    /// The files to list.
    public var selection = FileReport.FileSelection()
    /// The file with the rules of secrets; nil for `thaw.toml` here.
    public var config: String?
    /// The Dockerfile whose lines are shown.
    public var dockerfile: String?
    /// The stage of it.
    public var target: String?

    /// Makes a request without any option.
    public init() {}

    /// A sentence about options that exclude each other; nil if there are none.
    public var conflict: String? {
        let isNarrowed = selection.layer != nil || selection.depth != nil
        return switch true {
        case listsFiles && [.html, .spdx, .cyclonedx].contains(format): "--files has no form \(format.rawValue)"
        case !listsFiles && format == .ndjson: "--format ndjson needs --files"
        case listsFiles && metric == .dive: "--metric has no effect with --files"
        case !listsFiles && isNarrowed: "--layer and --depth need --files"
        case target != nil && dockerfile == nil: "--target needs --dockerfile"
        case (selection.depth ?? 0) < 0: "--depth \(selection.depth ?? 0) is negative"
        default: nil
        }
    }

    /// Returns the report on an image.
    public func printout(
        of image: Image, named name: String, in store: Store, _ host: any JobHost
    ) async throws -> Printout {
        let places = try places(of: image, named: name, host)
        if listsFiles {
            var report = try await AnalyzeJob(in: store).files(of: image, named: name, selection)
            report.setSources(places)
            return switch format {
            case .json: .document(report.json)
            case .ndjson: .json(report.lines.map { $0.line + "\n" }.joined())
            case .text, .html, .spdx, .cyclonedx: .text(report.text)
            }
        }
        if let bill = AnalyzeJob.BillFormat(format) {
            let job = AnalyzeJob(in: store)
            return .document(try await job.packages(of: image, named: name, bill, version: host.version))
        }
        let project = try ProjectFile.read(config, beside: ".")
        let policy = try SecretPolicy(project, file: config ?? "thaw.toml")
        var report = try await AnalyzeJob(in: store, policy: policy).report(
            on: image, named: name, asDive: metric == .dive)
        report.setSources(places)
        return switch format {
        case .html: .page(report.html)
        case .json, .ndjson, .spdx, .cyclonedx: .document(report.json)
        case .text: .text(report.text)
        }
    }

    private func places(of image: Image, named name: String, _ host: any JobHost) throws -> [Int: String] {
        guard let dockerfile else { return [:] }
        let places = try DockerfilePlaces(of: image, in: dockerfile, target: target)
        if places == .none { host.note("the history of '\(name)' is not that of '\(dockerfile)'") }
        return places.places
    }
}

extension AnalyzeJob.BillFormat {
    fileprivate init?(_ format: AnalyzeRequest.AnalysisFormat) {
        switch format {
        case .spdx: self = .spdx
        case .cyclonedx: self = .cycloneDX
        case .text, .json, .ndjson, .html: return nil
        }
    }
}
