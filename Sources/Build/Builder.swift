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
    private let request: BuildRequest
    private let progress: @Sendable (BuildEvent) -> Void

    /// A builder that keeps everything in `store` and tells `progress` what happens, from any thread.
    public init(
        _ request: BuildRequest, store: Store, progress: @escaping @Sendable (BuildEvent) -> Void = { _ in }
    ) {
        self.request = request
        self.store = store
        self.progress = progress
    }

    /// Builds the target stage and everything it needs.
    ///
    /// When this returns, the image is in the store, under no name. When it throws, the store holds at most more
    /// remembered steps than before.
    public func build() async throws -> BuildResult {
        guard let limit = request.timeout else { return try await buildTarget() }
        return try await within(limit, orThrow: { .timedOut(limit) }, { try await buildTarget() })
    }

    private func buildTarget() async throws -> BuildResult {
        let lease = try store.lease()
        try FailedStep.forget(in: store)
        let shared = try BuildState(request, store: store, progress: progress)
        let plan = try BuildPlan(request, dockerfile: try await shared.dockerfile())
        try expectRunnable(plan)
        for name in plan.unknown(among: request.uncachedStages) {
            progress(.note("no stage is called '\(name)', so nothing is run again for it"))
        }
        let target: StageBuilder
        do {
            target = try await stages(plan, shared)
        } catch {
            // What was found out is kept for the next try; if it can't be, that takes longer.
            try? shared.save(isWhole: false)
            throw error
        }
        try shared.save(isWhole: true)
        let image = target.finished(labels: request.labels)
        try store.publish(image, as: nil)
        try lease.release()
        return BuildResult(
            image: image, baseLayerCount: target.baseLayerCount, steps: shared.reports,
            records: CacheRecords(shared.records))
    }

    /// Runs the stages, at most `width` at once; each starts when those it reads have ended.
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
                        var result = try await stage(index, plan, shared, inputs)
                        // A result that kept its inputs would keep theirs too, and so on.
                        result.inputs = [:]
                        return (index, result)
                    }
                }
                guard let (index, result) = try await group.next() else { break }
                running -= 1
                done[index] = result
                schedule.end(index)
            }
            guard let result = done[plan.target] else { preconditionFailure("the target is reachable from itself") }
            return result
        }
    }

    private func stage(
        _ index: Int, _ plan: BuildPlan, _ shared: BuildState, _ inputs: [Int: StageBuilder]
    ) async throws -> StageBuilder {
        let stage = plan.dockerfile.stages[index]
        var builder = try await start(stage, plan, shared, inputs)
        builder.index = index
        builder.inputs = inputs
        if plan.graph.replacement(of: index) != nil { return builder }
        for trigger in builder.takeTriggers() {
            let instruction = try plan.checked { () throws(Diagnostic) in try Instruction(parsingTrigger: trigger) }
            if case .run = instruction { try expectRunnable(index, line: stage.from.lines.lowerBound, plan) }
            try await builder.apply(instruction, text: trigger, line: stage.from.lines.lowerBound)
        }
        for instruction in stage.instructions {
            try await builder.apply(instruction.value, text: instruction.text, line: instruction.lines.lowerBound)
        }
        return builder
    }

    private func start(
        _ stage: Stage, _ plan: BuildPlan, _ shared: BuildState, _ inputs: [Int: StageBuilder]
    ) async throws -> StageBuilder {
        let place = plan.place(stage.from.lines.lowerBound)
        let replacement = plan.graph.replacement(of: stage.index).map { StageSource.context($0) }
        switch replacement ?? plan.graph.bases[stage.index] {
        case .stage(let index):
            guard let base = inputs[index] else { preconditionFailure("a stage starts after its base") }
            return base.continued(as: stage.label)
        case .scratch:
            return StageBuilder(.scratch(try platform(of: stage.index, plan), in: store), stage.label, plan, shared)
        case .image(let name):
            let base = try await shared.image(name, for: platform(of: stage.index, plan), at: place)
            return StageBuilder(base, stage.label, plan, shared)
        case .context(let name):
            if let index = plan.contextStages[name], let base = inputs[index] { return base.continued(as: stage.label) }
            return StageBuilder(try await shared.base(named: name, at: place), stage.label, plan, shared)
        case .buildContext: preconditionFailure("no FROM means the build context")
        }
    }
}

// MARK: - Platforms

extension Builder {
    /// What a stage is for: what its FROM says, else what the stage it continues is for, else what the build is for.
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

    /// Refuses a build whose commands this machine cannot run, before anything is done.
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
