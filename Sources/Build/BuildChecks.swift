internal import Frontend
internal import OCI

/// The checks of a build's Dockerfile, with the facts that the build knows: its base images and ignore rules.
struct BuildChecks {
    private let plan: BuildPlan
    private let options: Lint.Options
    /// The findings of BuildKit's checks, in order of line.
    let findings: [LintFinding]
    /// The names of the ARG instructions in triggers of the base images.
    private let triggeredNames: Set<String>

    init(_ plan: BuildPlan, bases: [Int: ImageConfig], ignoreRules: IgnoreRules?) {
        var options = Lint.Options(arguments: plan.scope.arguments)
        options.facts.ignoreRules = ignoreRules
        for (index, config) in bases { options.facts.bases[index] = Self.facts(of: config) }
        // The instructions of a stage that a context replaces are not run.
        let stages = plan.stages.filter { plan.graph.replacement(of: $0) == nil }
        findings = Lint.buildFindings(plan.dockerfile, stages: stages, options)
        let triggers = bases.values.flatMap(\.onBuild).compactMap { try? Instruction(parsingTrigger: $0) }
        triggeredNames = Set(triggers.flatMap(\.argumentNames))
        (self.plan, self.options) = (plan, options)
    }

    private static func facts(of config: ImageConfig) -> ImageFacts.Base {
        var base = ImageFacts.Base()
        base.environment = config.environment.map { Variable($0) }
        base.workingDirectory = config.workingDirectory.isEmpty ? "/" : config.workingDirectory
        base.platform = PlatformArguments(config.platform)
        return base
    }

    /// Throws if there is a finding, and the Dockerfile or the build argument demands that it fails the build.
    func expectNoViolation() throws(BuildError) {
        guard let first = findings.first, Lint.failsOnFinding(plan.dockerfile, options) else { return }
        throw .lintViolation(rules: Set(findings.map(\.rule)).sorted(), at: plan.place(first.lines.lowerBound))
    }

    /// A note for each build argument that has no effect.
    var unusedArguments: [String] {
        let lines = plan.dockerfile.stages.flatMap(\.instructions).map(\.value)
        let words = plan.dockerfile.globalArguments.flatMap(\.value.declarations).map(\.name.text)
        let names = triggeredNames.union(words).union(lines.flatMap(\.argumentNames))
        // An ARG with a variable in its name may take any argument.
        if names.contains(where: { $0.contains("$") }) { return [] }
        let unused = plan.scope.arguments.values.keys.filter { !names.contains($0) && !BuildArguments.isBuiltIn($0) }
        return unused.sorted().map { name in
            let ending = Suggestion.ending(for: name, in: names.sorted())
            return "the build argument '\(name)' has no effect: no ARG of \(plan.dockerfile.name) takes it\(ending)"
        }
    }
}

extension Instruction {
    /// The names that an ARG declares, also in a trigger.
    fileprivate var argumentNames: [String] {
        switch self {
        case .arg(let line): line.declarations.map(\.name.text)
        case .onBuild(let trigger): trigger.instruction?.argumentNames ?? []
        default: []
        }
    }
}

extension BuildWarning {
    init(_ finding: LintFinding) {
        self.init(rule: finding.rule, message: finding.message, line: finding.lines.lowerBound)
    }
}
