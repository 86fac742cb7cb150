internal import ImageFiles
internal import Linux
public import OCI
internal import Probe
public import Project
public import Slim

/// The options of slimming as they were written.
public struct SlimSettings: Sendable {
    private let keep: [String]
    private let include: [String]
    private let exclude: [String]
    private let level: SlimLevel?
    private let layers: String

    /// Makes settings of the command line's values; `level` is nil for the default.
    public init(keep: [String], include: [String], exclude: [String], level: String?, layers: String) throws {
        (self.keep, self.include, self.exclude, self.layers) = (keep, include, exclude, layers)
        self.level = try SlimLevel(named: level)
    }

    /// Returns the requested level, else the default for a run with these properties.
    public func level(isProbed: Bool, observes: Bool, isVerified: Bool) -> SlimLevel {
        level ?? .standard(isProbed: isProbed, observes: observes, isVerified: isVerified)
    }

    /// Returns the layers of the slim image of `image`.
    public func layers(of image: Image, in store: Store) throws -> SlimLayers {
        try SlimLayers(named: layers, of: image, in: store)
    }

    /// Returns the options, with those of the project's file and the files opened while the image ran.
    public func options(
        _ project: ProjectFile = ProjectFile(), level: SlimLevel, layers: SlimLayers, observed: [[UInt8]] = []
    ) throws -> SlimOptions {
        do {
            var options = SlimOptions(
                level: level, keep: Set(try (keep + project.slim.keep).map { try KeepOption(named: $0) }),
                include: try (include + project.slim.include).map { try ImagePathPattern($0) },
                exclude: try (exclude + project.slim.exclude).map { try ImagePathPattern($0) }, observed: observed)
            options.layers = layers
            return options
        } catch {
            throw Failure("\(error)", status: .usage)
        }
    }
}

/// The job of `thaw slim`: an image is probed, planned, rewritten, and stored if it is proven.
public struct SlimRun: Sendable {
    /// True for `--format json`.
    public var isJSON = false
    /// The name of the slim image; nil for the source's with the tag `slim`.
    public var tag: String?
    /// True if the slim image may take the name of its source.
    public var replacesSource = false
    /// False to store the image without a proof.
    public var isVerified = true
    /// The paths to explain, without writing an image.
    public var explained: String?
    private let settings: SlimSettings
    private let proof: ProofSettings
    private let probes: [ProbeAction]
    private let start: StartOptions

    /// Makes a job.
    ///
    /// - Parameters:
    ///   - probes: The texts of `--probe`.
    ///   - start: The options of the start, which only probes need.
    public init(_ settings: SlimSettings, proof: ProofSettings, probes: [String], start: StartOptions) throws {
        (self.settings, self.proof, self.start) = (settings, proof, start)
        self.probes = try probes.map { try ProbeAction(parsing: $0) }
    }

    /// Slims an image, or explains the plan.
    public func run(_ image: NamedImage, in store: Store, _ host: any JobHost) async throws -> Printout {
        let name = explained == nil ? try SlimName(tag, of: Transport(image.text), replaces: replacesSource) : nil
        let runner = try ProofRunner(probes: probes, settings: proof, start: start, in: store, host: host)
        let level = settings.level(isProbed: runner != nil, observes: proof.observes, isVerified: isVerified)
        if explained == nil { try level.expectProof(isProbed: runner != nil, isVerified: isVerified) }
        let found = try await image.exported(in: store, host)
        if !found.isSlim { try name?.expectOther() }
        let checked = runner?.checkingHealth(of: found.config)
        // The plan, the rewriting and the probing each read all layers.
        let original = found.reading(from: PlainLayers(found.source, in: store.path))
        let lease = try store.lease()
        let traces = try await checked?.traces(of: original, proof, host: host)
        let files = try await ImageFiles(of: original)
        let layers = try settings.layers(of: found, in: store)
        func options(_ observed: [[UInt8]]) throws -> SlimOptions {
            try settings.options(level: level, layers: layers, observed: observed)
        }
        let plan = try SlimJob(files, options: options(traces?.openedFiles ?? []))
        for pattern in plan.plan.vainIncludes { host.note("--include '\(pattern)' matches nothing in the image") }
        if let explained {
            let explanation = try plan.explanation(of: explained)
            return .result(explanation.text, explanation.document, isJSON: isJSON)
        }
        guard let name else { preconditionFailure("a slim image has a name") }
        if plan.unchanged() == nil { try name.expectOther() }
        let (job, result) = try await plan.finished(
            of: original, in: store, by: isVerified ? checked : nil, traces, observes: proof.observes, options)
        try result.verification?.require()
        if !result.isUnchanged || name.isRequested { try store.publish(result.image, as: name.reference) }
        try lease.release()
        return .result(job.text(result), result.document, isJSON: isJSON)
    }
}
