internal import Analysis
internal import ColdStart
internal import ImageFiles
internal import Linux
public import OCI
public import Project

/// The gate of a project: measures an image as far as the budgets need it, and compares each figure with its budget.
public struct GateCheck {
    private let store: Store
    private let project: ProjectFile
    private let file: String
    private let lines: ProjectLines
    private let start: StartOptions
    private let host: any JobHost

    /// Makes a gate.
    ///
    /// - Parameters:
    ///   - project: The budgets and waivers.
    ///   - file: The path of the file that has them.
    ///   - lines: The lines of its keys.
    ///   - start: The options of a start, which only a budget of the start needs.
    public init(
        in store: Store, _ project: ProjectFile, file: String, lines: ProjectLines, start: StartOptions,
        host: any JobHost
    ) {
        (self.store, self.project, self.file, self.lines) = (store, project, file, lines)
        (self.start, self.host) = (start, host)
    }

    /// Measures an image and returns the report.
    ///
    /// - Parameter today: The date for waivers, as `2026-11-30`.
    public func report(
        on image: Image, named name: String, baseline: GateBaseline? = nil, today: String
    ) async throws -> GateReport {
        let facts = try await facts(of: image)
        let rules = GateRules(budget: project.budget, facts: facts, baseline: baseline)
        let rows = try await rows(for: image)
        let startRules = try await startRules(for: image, baseline?.start)
        return GateReport(
            on: image, named: name,
            rules: rows.map { $0.rule(rules) } + rules.own + startRules,
            waivers: project.waivers,
            today: today, file: file, lines: lines)
    }

    /// Starts the image as the baseline was started, and compares the figures.
    private func startRules(for image: Image, _ baseline: StartBaseline?) async throws -> [GateRule] {
        guard let baseline else { return [] }
        var options = start
        options.isDeterministic = baseline.isCounted
        if options.runs == nil, options.budget == nil { options.runs = baseline.runs }
        let measured = try await BootJob(options, project, host: host).measure(image, in: store)
        return try baseline.rules(for: measured)
    }

    private enum Row {
        case measured(BudgetVerdict.Row)
        case unmeasured(GateRule)

        func rule(_ rules: GateRules) -> GateRule {
            switch self {
            case .measured(let row): rules.rule(row)
            case .unmeasured(let rule): rule
            }
        }
    }

    /// Compares the budgets of ``GateJob``; a machine that can't start the image makes the start inconclusive.
    private func rows(for image: Image) async throws -> [Row] {
        do {
            return try await rows(for: image, project).map(Row.measured)
        } catch {
            let failure = Failure(error)
            let limits = [
                ("start", project.budget.start?.inMilliseconds),
                ("start-work", project.budget.startWork.map(Double.init)),
            ]
            let rules = limits.compactMap { name, limit in
                limit.map { GateRule(name, limit: $0, inconclusive: failure.message) }
            }
            guard failure.status == .unmeasurable, !rules.isEmpty else { throw error }
            if let remedy = failure.remedy { host.note(remedy) }
            var rest = project
            (rest.budget.start, rest.budget.startWork) = (nil, nil)
            return try await rows(for: image, rest).map(Row.measured) + rules.map(Row.unmeasured)
        }
    }

    private func rows(for image: Image, _ project: ProjectFile) async throws -> [BudgetVerdict.Row] {
        try await GateJob(in: store, project, start: start, host: host).verdict(on: image).rows
    }

    private func facts(of image: Image) async throws -> BudgetFacts {
        let base = try AnalyzeJob(in: store).base(of: image)
        let budget = project.budget
        let needsContents = budget.duplicates != nil || budget.secrets != nil || !budget.forbiddenPackages.isEmpty
        if needsContents {
            let policy = try SecretPolicy(project, file: file)
            let files = try await ImageFiles(of: image, search: policy.search, readsPrograms: false)
            return try await Offload.run { BudgetFacts(of: files, base: base, policy: policy) }
        }
        let tree = try await store.tree(of: image)
        return try await Offload.run { BudgetFacts(of: image, in: tree, base: base) }
    }
}
