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
            // Results until now are kept for the next build; if saving them fails, that build only takes longer.
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
                        var result = try await stage(index, plan, shared, inputs)
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
            guard let base = inputs[index] else { preconditionFailure("a stage must start after its base") }
            return base.continued(as: stage.label)
        case .scratch:
            return StageBuilder(.scratch(try platform(of: stage.index, plan), in: store), stage.label, plan, shared)
        case .image(let name):
            let base = try await shared.image(name, for: platform(of: stage.index, plan), at: place)
            return StageBuilder(base, stage.label, plan, shared)
        case .context(let name):
            if let index = plan.contextStages[name], let base = inputs[index] { return base.continued(as: stage.label) }
            return StageBuilder(try await shared.base(named: name, at: place), stage.label, plan, shared)
        case .buildContext: preconditionFailure("FROM can't name the build context")
        }
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
