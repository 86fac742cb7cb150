public import Analysis
internal import ColdStart
internal import ImageFiles
internal import Linux
public import OCI
public import Project
internal import Proof
public import Slim

/// The main job: analyse an image, slim it, prove the slim image, start both, and compare with the budgets.
public struct OptimizeJob {
    /// The original.
    public let image: Image
    /// The name of the original, for people.
    public let name: String
    /// The name of the slim image; nil if it gets none.
    public let slimName: String?
    private let boot: any ImageStarter
    private let store: Store
    private let budget: ProjectFile.Budget
    private let policy: SecretPolicy
    private let host: any JobHost

    /// Makes a job; `boot` has the settings of all starts.
    public init(
        _ image: Image, name: String, slimName: String?, boot: any ImageStarter, in store: Store,
        budget: ProjectFile.Budget, policy: SecretPolicy = .standard, host: any JobHost
    ) {
        self.image = image
        self.name = name
        self.slimName = slimName
        self.boot = boot
        self.store = store
        self.budget = budget
        self.policy = policy
        self.host = host
    }

    /// Runs all parts.
    ///
    /// - Parameters:
    ///   - cures: The cures to try on the slim image.
    ///   - settings: The commands besides the probe, the observation, and the time after the probes.
    ///   - options: Returns the options of slimming for the opened files.
    public func run(
        _ settings: ProofSettings, cures: [any Cure] = [], options: (_ openedFiles: [[UInt8]]) throws -> SlimOptions
    ) async throws -> Optimization {
        host.begin("analysing")
        // The only inflation of the original: what follows reads this value, or the plain layers.
        let original = image.reading(from: PlainLayers(image.source, in: store.path))
        let files = try await ImageFiles(of: original, search: policy.search)
        let before = try await report(files, as: name, base: AnalyzeJob(in: store).base(of: image))
        host.begin("probing the original")
        var settings = settings
        settings.commands += ImageProbe.missingHealthcheck(image.config, among: settings.commands)
        func runner(_ files: [ImageFiles]) -> any ImageRunner<Image> {
            boot.runner(in: store, settings: settings, files: files)
        }
        let traces = try await Traces(of: original, by: runner([files]), settings: settings)
        traces.report(to: host)
        host.begin("slimming and probing the slim image")
        let loop = ProofLoop(of: original, files, in: store, observes: settings.observes, search: policy.search)
        var (slim, slimmed) = try await loop.run(traces, by: runner, options: options)
        var cureResults: [CureResult] = []
        if slimmed.verification?.passed ?? true, !cures.isEmpty {
            let trial = CureTrial(
                original: original, traces: traces, store: store, search: policy.search, boot: boot, runner: runner,
                host: host)
            let cured = try await trial.best(of: slimmed.files, cures)
            (slimmed.files, cureResults) = (cured.files, cured.results)
            slimmed.document["after"] = cured.files.summary
        }
        let after = try await report(slimmed.files, as: slimName ?? "\(name) (slim)")
        let verification = slimmed.verification ?? Verification(traces.record, traces.record)
        // An image that does not serve cannot be measured.
        if verification.failure != nil { try verification.require() }
        host.begin("starting both in turns")
        let subjects = (
            StartSubject(original, tree: files.tree), StartSubject(slimmed.image, tree: slimmed.files.tree)
        )
        let pair = try await boot.measurePair(
            subjects.0, subjects.1, in: store, mode: boot.isEmulated ? .once : .requested)
        let countedPair = pair.isEmulatedTime ? try await count(subjects) : nil
        let profile = try await profile(of: subjects.0, pair, isCounted: countedPair != nil, files)
        var figures = ImageFigures(of: slimmed.image, after.waste, startMilliseconds: nil)
        figures.take(countedPair?.after ?? pair.after)
        return Optimization(
            name: name, slimName: slimName, before: .init(image: image, report: before, start: pair.before),
            after: .init(image: slimmed.image, report: after, start: pair.after), plan: slim.plan,
            slimDocument: slimmed.document, cures: cureResults, pair: pair, countedPair: countedPair,
            profile: profile, verification: verification,
            verdict: BudgetVerdict(budget, figures, further: rules(for: slimmed.files)))
    }

    /// Records one more start of the original, for the causes of its work; nil if the engine reports none.
    private func profile(
        of subject: StartSubject, _ pair: StartPair, isCounted: Bool, _ files: ImageFiles
    ) async throws -> WorkProfile? {
        guard pair.before.reportsWork else { return nil }
        host.begin("recording the work of the original")
        return try await boot.profile(of: subject, isCounted: isCounted, in: store, files: files)
    }

    /// Returns the rules of the slim image that need more than figures.
    private func rules(for files: ImageFiles) -> [GateRule] {
        let facts = BudgetFacts(of: files, base: .unknown, policy: policy)
        let rules = GateRules(budget: budget, facts: facts, baseline: nil).own
        for rule in rules where rule.measured == nil {
            host.note("the budget '\(rule.name)' is checked by thaw gate only")
        }
        return rules
    }

    /// Counts the work of both, since the time of an emulator has no verdict; nil if a machine can't be counted.
    private func count(_ subjects: (StartSubject, StartSubject)) async throws -> StartPair? {
        host.begin("counting the work of both")
        do {
            return try await boot.measurePair(subjects.0, subjects.1, in: store, mode: .counted)
        } catch ColdStartError.impossibleScenario(let reason) {
            host.note("the work of the starts is not counted: \(reason)")
            return nil
        }
    }

    /// Returns the analysis of files.
    private func report(
        _ files: ImageFiles, as name: String, base: BaseImage = .unknown
    ) async throws -> Report {
        let policy = policy
        return try await Offload.run { Report(of: files, reference: name, base: base, policy: policy) }
    }
}
