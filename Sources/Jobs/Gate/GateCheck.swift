internal import Analysis
internal import ColdStart
internal import ImageFiles
internal import Linux
public import OCI
public import Project
public import SystemPackage

extension Failure {
    /// The report of a gate without budgets.
    ///
    /// - Parameter file: The path of the `thaw.toml` that has none, or that doesn't exist.
    public static func withoutBudget(_ file: String) -> Failure {
        let remedy = "'thaw init' writes a thaw.toml with budgets; --profile and --baseline check without one"
        guard fileExists(FilePath(file)) else {
            return Failure("there is no '\(file)', so there are no budgets", remedy: remedy, status: .usage)
        }
        return Failure("\(file) has no [budget]", remedy: "'thaw help config' lists its keys", status: .usage)
    }
}

extension [GateRule] {
    /// The place of the broken rule about work or time with the largest excess; nil if none is broken.
    fileprivate var largestExcess: Int? {
        indices.filter { place in
            self[place].state == .broken
                && (self[place].name.hasPrefix("baseline-work-") || self[place].name == "baseline-time")
        }.max { excess(at: $0) < excess(at: $1) }
    }

    private func excess(at place: Int) -> Double { (self[place].measured ?? 0) - self[place].limit }
}

/// The gate of a project: measures an image as far as the budgets need it, and compares each figure with its budget.
public struct GateCheck {
    private let store: Store
    private let project: ProjectFile
    private let file: String
    private let lines: ProjectLines
    private let start: StartOptions
    private let platform: PlatformCheck?
    private let databases: [FilePath]
    private let host: any JobHost

    /// Makes a gate.
    ///
    /// - Parameters:
    ///   - project: The budgets and waivers.
    ///   - file: The path of the file that has them.
    ///   - lines: The lines of its keys.
    ///   - start: The options of a start, which only a budget of the start needs.
    ///   - platform: A platform whose rules the image must hold too.
    ///   - databases: The databases of vulnerabilities, as for ``ScanJob``.
    public init(
        in store: Store, _ project: ProjectFile, file: String, lines: ProjectLines, start: StartOptions,
        platform: PlatformCheck? = nil, databases: [FilePath] = [], host: any JobHost
    ) {
        (self.store, self.file, self.lines) = (store, file, lines)
        (self.start, self.platform, self.databases, self.host) = (start, platform, databases, host)
        self.project = platform?.completed(project) ?? project
    }

    /// Measures an image and returns the report.
    ///
    /// - Parameter today: The date for waivers, as `2026-11-30`.
    public func report(
        on image: Image, named name: String, baseline: GateBaseline? = nil, today: String
    ) async throws -> GateReport {
        let facts = try await facts(of: image)
        let scan = try await scan(image)
        let rules = GateRules(budget: project.budget, facts: facts, baseline: baseline, scan: scan)
        let rows = try await rows(for: facts)
        let startRules = try await startRules(for: image, baseline?.start)
        let platformRules = platform.map { ProfileRules(check: $0, facts: facts).all } ?? []
        return GateReport(
            on: image, named: name,
            rules: rows.map { $0.rule(rules) } + rules.own + startRules + platformRules,
            waivers: project.waivers,
            today: today, file: file, lines: lines)
    }

    /// Starts the image as the baseline was started, and compares the figures.
    private func startRules(for image: Image, _ baseline: StartBaseline?) async throws -> [GateRule] {
        guard let baseline else { return [] }
        var options = start
        options.isDeterministic = baseline.isCounted
        if options.runs == nil, options.budget == nil { options.runs = baseline.runs }
        let job = try BootJob(options, project, host: host)
        var rules = try baseline.rules(for: try await job.measure(image, in: store))
        guard let before = baseline.attribution, let place = rules.largestExcess,
            let after = try await job.profile(of: StartSubject(image), isCounted: baseline.isCounted, in: store)
        else { return rules }
        rules[place].causes = WorkComparison.causes(of: after, against: before).map { cause in
            GateRule.Cause(
                "+" + WorkProfile.amount(cause.milliseconds, isCounted: baseline.isCounted), cause.text,
                layer: cause.layer)
        }
        return rules
    }

    /// Looks for vulnerabilities if a budget needs them and there is a database.
    private func scan(_ image: Image) async throws -> VulnerabilityScan? {
        guard !project.budget.vulnerabilities.isEmpty, !databases.isEmpty else { return nil }
        return try await ScanJob(in: store).scan(image, databases: databases)
    }

    private enum Row {
        case measured(BudgetVerdict.BudgetResult)
        case unmeasured(GateRule)

        func rule(_ rules: GateRules) -> GateRule {
            switch self {
            case .measured(let row): rules.rule(row)
            case .unmeasured(let rule): rule
            }
        }
    }

    /// Compares the budgets of ``GateJob``; a machine that can't start the image makes the start inconclusive.
    private func rows(for facts: BudgetFacts) async throws -> [Row] {
        do {
            return try await rows(for: facts, project).map(Row.measured)
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
            return try await rows(for: facts, rest).map(Row.measured) + rules.map(Row.unmeasured)
        }
    }

    private func rows(for facts: BudgetFacts, _ project: ProjectFile) async throws -> [BudgetVerdict.BudgetResult] {
        let job = GateJob(in: store, project, start: start, host: host)
        return try await job.verdict(on: facts.image, facts.waste).rows
    }

    private func facts(of image: Image) async throws -> BudgetFacts {
        let base = try AnalyzeJob(in: store).base(of: image)
        let budget = project.budget
        let needsContents = budget.duplicates != nil || budget.secrets != nil || !budget.forbiddenPackages.isEmpty
        if needsContents {
            let policy = try SecretPolicy(project, file: file)
            let files = try await ImageFiles(of: image, search: policy.search, readsPrograms: false, keptIn: store)
            return try await Offload.run { BudgetFacts(of: files, base: base, policy: policy) }
        }
        let tree = try await store.tree(of: image)
        return try await Offload.run { BudgetFacts(of: image, in: tree, base: base) }
    }
}
