internal import Analysis
internal import Build
internal import Linux
public import OCI
internal import Project
internal import Proof
internal import Registry
internal import Slim
internal import SystemPackage

/// The options of `thaw optimize` as they were written.
public struct OptimizeRequest: Sendable {
    /// The project file; nil for that of the context.
    public var config: String?
    /// The directory of the report; nil for the default.
    public var output: String?
    /// The name of the slim image; nil to keep none.
    public var tag: String?
    /// The cures to try: all, none, list, or names; nil for those of the project file.
    public var cures: String?
    /// True to push the slim image if it keeps all budgets.
    public var pushes = false
    /// The access to registries.
    public var registry = RegistrySettings.standard
    /// The type of progress output.
    public var progress = ProgressStyle.auto
    private let build: BuildSettings
    private let slim: SlimSettings
    private let start: StartOptions
    private let proof: ProofSettings

    /// Makes a request with the options of all parts.
    public init(build: BuildSettings, slim: SlimSettings, start: StartOptions, proof: ProofSettings) {
        (self.build, self.slim, self.start, self.proof) = (build, slim, start, proof)
    }

    /// Runs all parts for a context or an image; returns false if a budget is exceeded.
    public func run(
        _ subject: String, in store: Store, _ host: any JobHost, show: (Printout) -> Void
    ) async throws -> Bool {
        if try CureChoice(cures, nil) == .list {
            show(.text(CureChoice.listing))
            return true
        }
        let lease = try store.lease()
        let isDirectory = fileExists(FilePath(subject))
        let isContext = try isDirectory || BuildSources.isRemote(subject)
        let project = try project(of: isDirectory ? subject : nil, host)
        let name = try tag.map(reference)
        try expectConsistent(subject, isContext: isContext)
        // A missing image is reported before a missing probe. A context is built only after the probe was checked.
        let named = isContext ? nil : try await NamedImage(subject).exported(in: store, host)
        let boot = try BootJob(start, project, host: host)
        let chosen = try CureChoice(cures, project.cures).cures
        let built =
            named == nil
            ? try await BuildJob(build, in: store, progress: progress, host: host).build(subject, project) : nil
        guard let image = named ?? built?.image else { preconditionFailure("a context was built") }
        let job = OptimizeJob(
            image, name: isDirectory ? ReportPlace.name(of: subject) : subject, slimName: tag,
            boot: try boot.choosingProbe(for: image), in: store, budget: project.budget(on: RFC3339.today),
            policy: try SecretPolicy(project, file: "thaw.toml"), host: host)
        let level = slim.level(isProbed: true, observes: proof.observes, isVerified: true)
        let layers = try slim.layers(of: image, in: store)
        let result = try await job.run(proof, cures: chosen) {
            try slim.options(project, level: level, layers: layers, observed: $0)
        }
        let directory = output.map { FilePath($0) } ?? ReportPlace.directory(for: subject)
        try write(result, built, to: directory)
        show(.text(result.summary(report: directory.appending("report.html").string)))
        try result.verification.require()
        if let name {
            try store.publish(result.after.image, as: name)
            if pushes, result.verdict.holds {
                try await host.registryClient(progress, registry.apply).push(
                    result.after.image, to: name, hints: store)
            }
        } else {
            host.note("the slim image is not kept; -t NAME keeps it")
        }
        try lease.release()
        return result.verdict.holds
    }

    /// Reads the project's file; a wrangler file of a directory completes it.
    private func project(of directory: String?, _ host: any JobHost) throws -> ProjectFile {
        let project = try ProjectFile.read(config, beside: FilePath(directory ?? "."))
        guard let directory, build.file == nil else { return project }
        return try project.completed(byWranglerIn: FilePath(directory), profile: .cloudflareContainers) {
            host.report($0)
        }
    }

    private func expectConsistent(_ subject: String, isContext: Bool) throws {
        if !isContext, tag != nil { try SlimName(tag, of: Transport(subject), replaces: false).expectOther() }
        if output == "-" {
            throw Failure(
                "-o names the directory of the report, which has two files",
                remedy: "-o DIR, then read DIR/report.json", status: .usage)
        }
        if pushes, tag == nil { throw Failure("--push needs a name", remedy: "add -t NAME", status: .usage) }
        if !isContext, subject.hasPrefix(".") || subject.hasPrefix("/") {
            throw Failure("there is no directory '\(subject)'", status: .usage)
        }
    }

    private func write(_ result: Optimization, _ build: BuildResult?, to path: FilePath) throws {
        var document = result.document
        document["build"] = build?.summary
        let directory = try Directory.make(path)
        try directory.replace("report.json", with: Array(document.text.utf8))
        try directory.replace("report.html", with: Array(result.page.html.utf8))
    }
}
