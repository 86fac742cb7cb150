internal import Frontend
internal import Linux
public import OCI
internal import SystemPackage

/// Builds a Dockerfile into an image in a store.
///
/// ```
/// Dockerfile -> StageGraph -> reachable stages, each a task that waits for the stages it reads
/// stage: instruction -> config change | step;  step: fingerprint -> remembered layer | made layer
/// ```
public struct Builder: Sendable {
    private let store: Store
    let request: BuildRequest
    private let progress: @Sendable (BuildEvent) -> Void

    /// A builder that stores everything in `store` and calls `progress` with events, from any thread.
    public init(
        _ request: BuildRequest, store: Store, progress: @escaping @Sendable (BuildEvent) -> Void = { _ in }
    ) {
        self.request = request
        self.store = store
        self.progress = progress
    }

    /// Builds the target stage and everything it needs.
    ///
    /// When this returns, the image is in the store, without a name. When it throws, the store contains at most
    /// additional cached steps.
    public func build() async throws -> BuildResult {
        guard let limit = request.timeout else { return try await buildTarget() }
        return try await within(limit, orThrow: { BuildError.timedOut(limit) }, { try await buildTarget() })
    }

    private func buildTarget() async throws -> BuildResult {
        let start = RFC3339.now
        let lease = try store.lease()
        try FailedStep.forget(in: store)
        let shared = try BuildState(request, store: store, progress: progress)
        let text = try await shared.dockerfile()
        var plan = try plan(text)
        try expectRunnable(plan)
        let bases = try await resolveBases(of: &plan, shared)
        try expectRunnable(plan)
        for name in plan.unknown(among: request.uncachedStages) {
            progress(.note("no stage is called '\(name)', so nothing is run again for it"))
        }
        let checks = BuildChecks(plan, bases: bases, ignoreRules: shared.ignoreRules)
        let target: StageBuilder
        do {
            try checks.expectNoViolation()
            shared.epoch = try await epoch(plan, shared)
            target = try await stages(plan, shared)
        } catch {
            // Results until now are kept for the next build; if saving them fails, that build only takes longer.
            try? shared.save(isWhole: false)
            report(checks)
            throw error
        }
        try shared.save(isWhole: true)
        report(checks)
        let image = target.finished(labels: request.labels)
        try store.publish(image, as: nil)
        try lease.release()
        let hasTriggers = bases.values.contains { !$0.onBuild.isEmpty }
        return BuildResult(
            image: image, baseLayerCount: target.baseLayerCount, steps: shared.reports,
            inputs: inputs(of: plan, text.bytes, shared, hasTriggers: hasTriggers, startedOn: start),
            records: CacheRecords(shared.records), epoch: shared.epoch)
    }

    /// Parses the Dockerfile; if that fails, sends the warnings about the lines above the error.
    private func plan(_ text: (bytes: [UInt8], name: String)) throws -> BuildPlan {
        do {
            return try BuildPlan(request, dockerfile: text)
        } catch BuildError.dockerfile(let error) {
            let arguments = BuildArguments(values: request.arguments, build: PlatformArguments(.host))
            let findings = Lint.findings(above: error, in: text.bytes, Lint.Options(arguments: arguments))
            if !findings.isEmpty { progress(.warnings(findings.map(BuildWarning.init))) }
            throw BuildError.dockerfile(error)
        }
    }

    /// Sends the notes and warnings about the whole Dockerfile, which come last so that they stay in view.
    private func report(_ checks: BuildChecks) {
        for note in checks.unusedArguments { progress(.note(note)) }
        if !checks.findings.isEmpty { progress(.warnings(checks.findings.map(BuildWarning.init))) }
    }

    /// Runs the stages, at most `width` at once; each starts when the stages that it reads have finished.
    private func stages(_ plan: BuildPlan, _ shared: BuildState) async throws -> StageBuilder {
        try await withThrowingTaskGroup(of: (Int, StageBuilder).self) { group in
            var schedule = StageSchedule(plan.stages, plan.dependencies, target: plan.target)
            var done: [Int: StageBuilder] = [:]
            var running = 0
            while true {
                while running < request.width, let index = schedule.start() {
                    running += 1
                    let needed = plan.dependencies[index, default: []]
                    let inputs: [Int: StageBuilder] = needed.reduce(into: [:]) { $0[$1] = done[$1] }
                    for input in schedule.releases(for: index) { done[input] = nil }
                    group.addTask {
                        var result = try await stage(index, of: plan, sharing: shared, after: inputs)
                        // With its inputs a result would keep their inputs too, and so on.
                        result.inputs = [:]
                        return (index, result)
                    }
                }
                guard let (index, result) = try await group.next() else { break }
                running -= 1
                done[index] = result
                schedule.end(index)
            }
            guard let result = done[plan.target] else { preconditionFailure("the target must be among the results") }
            return result
        }
    }

    func stage(
        _ index: Int, of plan: BuildPlan, sharing shared: BuildState, after inputs: [Int: StageBuilder]
    ) async throws -> StageBuilder {
        let stage = plan.dockerfile.stages[index]
        var builder = try await start(stage, of: plan, sharing: shared, after: inputs)
        builder.index = index
        builder.inputs = inputs
        if plan.graph.replacement(of: index) != nil { return builder }
        for trigger in builder.takeTriggers() {
            let instruction = try plan.checked { () throws(Diagnostic) in try Instruction(parsingTrigger: trigger) }
            if case .run = instruction { try expectRunnable(index, line: stage.from.lines.lowerBound, plan) }
            try await builder.apply(
                instruction, from: StepSource(text: trigger, line: stage.from.lines.lowerBound))
        }
        for instruction in stage.instructions {
            try await builder.apply(
                instruction.value, from: StepSource(text: instruction.text, line: instruction.lines.lowerBound))
        }
        return builder
    }

    private func start(
        _ stage: Stage, of plan: BuildPlan, sharing shared: BuildState, after inputs: [Int: StageBuilder]
    ) async throws -> StageBuilder {
        let place = plan.place(stage.from.lines.lowerBound)
        switch plan.base(of: stage.index) {
        case .stage(let index):
            guard let base = inputs[index] else { preconditionFailure("a stage must start after its base") }
            return base.continued(as: stage.label)
        case .scratch:
            return StageBuilder(.scratch(try platform(of: stage.index, plan), in: store), stage.label, plan, shared)
        case .image(let name):
            let image = try await image(name, of: stage, in: plan, shared)
            // The digest that the base has in an export too, which other machines know.
            let isPlain = shared.request.defersCompression
            let exported = isPlain ? image : try await Offload.run { try store.exported(image) }
            let based = image.based(on: try Reference(name), exported.descriptor.digest)
            return StageBuilder(based, stage.label, plan, shared)
        case .context(let name):
            if let index = plan.contextStages[name], let base = inputs[index] { return base.continued(as: stage.label) }
            return StageBuilder(try await base(named: name, at: place, shared), stage.label, plan, shared)
        case .buildContext: preconditionFailure("FROM can't name the build context")
        }
    }
}

// MARK: - Base images

extension Builder {
    /// Looks up the base images of all stages, and adds the stages that their ONBUILD triggers read to the plan.
    ///
    /// Returns the configurations by stage.
    private func resolveBases(of plan: inout BuildPlan, _ shared: BuildState) async throws -> [Int: ImageConfig] {
        var configs: [Int: ImageConfig] = [:]
        var seen: Set<Int> = []
        while case let new = plan.stages.filter({ !seen.contains($0) }), !new.isEmpty {
            seen.formUnion(new)
            try await fetchBases(of: new, plan, shared)
            for index in new {
                guard let image = try await baseImage(of: index, plan, shared) else { continue }
                configs[index] = image.config
                if plan.dockerfile.stages.count > 1 { try plan.add(triggers: image.config.onBuild, of: index) }
            }
        }
        return configs
    }

    /// Fetches the base images of stages, each once and several at a time.
    private func fetchBases(of stages: [Int], _ plan: BuildPlan, _ shared: BuildState) async throws {
        var names: Set<String> = []
        let first = stages.filter { index in
            guard case .image(let name) = plan.base(of: index) else { return false }
            let platform = plan.graph.platformStages[index].flatMap { plan.graph.platforms[$0] } ?? ""
            return names.insert("\(name) \(platform)").inserted
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (count, index) in first.enumerated() {
                if count >= request.width { try await group.next() }
                group.addTask { _ = try await baseImage(of: index, plan, shared) }
            }
            try await group.waitForAll()
        }
    }

    /// Returns the base image of a stage; nil for a base without a configuration of its own.
    private func baseImage(of index: Int, _ plan: BuildPlan, _ shared: BuildState) async throws -> Image? {
        let stage = plan.dockerfile.stages[index]
        switch plan.base(of: index) {
        case .image(let name): return try await image(name, of: stage, in: plan, shared)
        case .context(let name) where plan.contextStages[name] == nil:
            switch request.contexts.first(where: { StageGraph.contextName($0.key) == name })?.value {
            case .image, .layout: return try await shared.base(named: name, at: plan.place(stage.from.lines.lowerBound))
            default: return nil
            }
        default: return nil
        }
    }

    /// Returns a named context as the base of a stage; an image's name and digest are in its annotations.
    private func base(
        named name: String, at place: BuildError.Location, _ shared: BuildState
    ) async throws -> Image {
        let base = try await shared.base(named: name, at: place)
        switch request.contexts.first(where: { StageGraph.contextName($0.key) == name })?.value {
        case .image(let reference): return base.based(on: reference, base.descriptor.digest)
        case .layout: return base.based(on: nil, base.descriptor.digest)
        default: return base.based(on: nil, nil)
        }
    }

    private func image(
        _ name: String, of stage: Stage, in plan: BuildPlan, _ shared: BuildState
    ) async throws -> Image {
        if (try? Reference(name)) == nil, let problem = plan.graph.missingValue(in: stage.index) {
            throw BuildError.dockerfile(plan.dockerfile.error(problem))
        }
        return try await shared.image(
            name, for: platform(of: stage.index, plan), at: plan.place(stage.from.lines.lowerBound),
            suggestion: plan.graph.suggestion(for: name, in: stage.index))
    }
}

// MARK: - Platforms

extension Builder {
    /// Returns a stage's platform: that of its FROM, else that of the stage it continues, else the build's.
    private func platform(of stage: Int, _ plan: BuildPlan) throws -> Platform {
        guard let source = plan.graph.platformStages[stage], let text = plan.graph.platforms[source] else {
            return request.platform
        }
        do {
            return try Platform(text)
        } catch {
            throw BuildError.stepFailed(error, at: plan.place(plan.dockerfile.stages[source].from.lines.lowerBound))
        }
    }

    /// Throws before any step runs if this machine can't execute the build's commands.
    private func expectRunnable(_ plan: BuildPlan) throws {
        for index in plan.stages {
            let run = plan.dockerfile.stages[index].instructions.first { instruction in
                if case .run = instruction.value { true } else { false }
            }
            if let run { try expectRunnable(index, line: run.lines.lowerBound, plan) }
        }
    }

    private func expectRunnable(_ stage: Int, line: Int, _ plan: BuildPlan) throws {
        let platform = try platform(of: stage, plan)
        guard Emulation().canRun(platform) else {
            throw BuildError.needsEmulation(platform.description, at: plan.place(line))
        }
    }
}
