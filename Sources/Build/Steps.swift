internal import Frontend
internal import Linux
internal import OCI
internal import Synchronization

// A step makes a layer: taken from the cache if one of its keys is known, else made once.

/// The place of a step in its Dockerfile.
struct StepSource {
    /// The instruction as written; for a trigger that of the base image.
    let text: String
    /// The first line; for a trigger that of FROM.
    let line: Int
}

extension StageBuilder {
    /// Executes a step, or takes the result of the first known of `keys`; then records the result under all of them.
    ///
    /// A later key is more expensive to compute, and depends on less of the input. `lastKey` is one that can't be known
    /// yet, and is computed after `make`.
    mutating func step(
        _ source: StepSource, history: String, keys: [() async throws -> StepFingerprint],
        lastKey: (() async throws -> StepFingerprint)? = nil, make: () async throws -> CachedStep
    ) async throws {
        try await DebugLog.$id.withValue(DebugLog.nextID()) {
            try await execute(source, history: history, keys: keys, lastKey: lastKey, make: make)
        }
    }

    private mutating func execute(
        _ source: StepSource, history: String, keys: [() async throws -> StepFingerprint],
        lastKey: (() async throws -> StepFingerprint)?, make: () async throws -> CachedStep
    ) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        shared.progress(.started(stage: label, line: source.line, instruction: source.text))
        DebugLog.event("step.start", [("stage", label), ("line", "\(source.line)")])
        var prints: [StepFingerprint] = []
        var remembered: CachedStep?
        for key in keys where remembered == nil {
            let print = try await key()
            prints.append(print)
            if usesCache { remembered = try await self.remembered(print.digest) }
            DebugLog.event(
                "step.key",
                [
                    ("key", print.digest.short), ("result", remembered == nil ? "miss" : "hit"),
                    ("ms", (clock.now - start).millisecondsText),
                ])
        }
        let outcome = try await outcome(of: source, prints, remembered: remembered, make)
        if remembered == nil, let lastKey { prints.append(try await lastKey()) }
        let inputs = remembered == nil ? prints.last?.inputs ?? StepInputs() : StepInputs()
        let reason = outcome.isRun ? prints.last.map { missReason(of: source, $0, inputs) } : nil
        let known = prints.map(\.digest)
        DebugLog.event(
            "step.end",
            [
                ("stage", label), ("line", "\(source.line)"), ("cache", reason == nil ? "hit" : "miss"),
                ("why", reason?.inputs ?? "known key"), ("layer", outcome.step.layer.diffID.short),
                ("bytes", "\(outcome.step.layer.descriptor.size)"), ("ms", (clock.now - start).millisecondsText),
            ])
        if remembered == nil {
            try remember(outcome.step, keys: known, inputs: inputs)
        } else if known.count > 1, let key = known.last {
            try remember(outcome.step, keys: known.dropLast(), inputs: StepInputs(), like: key)
        }
        if let key = known.last { shared.history.note(stage: label, step: source.text, key: key) }
        shared.note(outcome.step, of: known)
        epoch = shared.epoch ?? Self.bounded(max(epoch, outcome.step.epoch))
        let entry = Self.history(history, isEmptyLayer: false)
        image = image.appending(outcome.step.layer, history: entry)
        draft.history.append(entry)
        shared.finish(
            StepReport(
                stage: label, line: source.line, instruction: source.text, missReason: reason,
                isByContent: known.count > 1, duration: clock.now - start))
    }

    /// Returns the result for a key, from the store or an imported cache.
    private func remembered(_ key: Digest) async throws -> CachedStep? {
        if let step = try shared.store.cachedStep(for: key) { return step }
        for cache in shared.request.caches {
            if let step = try await Offload.run({ [shared] in try cache.step(key, into: shared.store) }) { return step }
        }
        return nil
    }

    /// Records a result under keys that did not lead to it.
    ///
    /// - Parameters:
    ///   - inputs: The inputs of the last key, which the others refer to.
    ///   - known: The key that already has the inputs; nil to keep them.
    private func remember(
        _ step: CachedStep, keys: [Digest], inputs: StepInputs, like known: Digest? = nil
    ) throws {
        for key in keys { try shared.store.cache(step, for: key) }
        guard let last = known ?? keys.last else { return }
        if known == nil { try shared.history.keep(inputs, of: last) }
        for key in keys where key != last { try shared.history.keep(inputsOf: last, for: key) }
    }

    /// True if this stage may use earlier results.
    var usesCache: Bool {
        shared.request.usesCache && !shared.request.uncachedStages.contains(label)
    }

    /// Returns the step's result, and true if it was run for it and not cached.
    private func outcome(
        of source: StepSource, _ prints: [StepFingerprint], remembered: CachedStep?,
        _ make: () async throws -> CachedStep
    ) async throws -> (step: CachedStep, isRun: Bool) {
        if let remembered { return (try await Offload.run { try stored(remembered) }, false) }
        guard let print = prints.last else { preconditionFailure("a step needs a key") }
        if shared.request.expectsCache {
            throw BuildError.unexpectedMiss(missReason(of: source, print, print.inputs), at: plan.place(source.line))
        }
        let (step, isFirst) = try await shared.runningSteps.run(print.digest, make)
        return (step, isFirst)
    }

    private func missReason(of source: StepSource, _ print: StepFingerprint, _ inputs: StepInputs) -> MissReason {
        guard usesCache else { return .cacheIsOff }
        return shared.history.explain(stage: label, step: source.text, key: print.digest, inputs: inputs)
    }

    /// Returns a cached step with its layer in this build's form.
    private func stored(_ step: CachedStep) throws -> CachedStep {
        let (store, form) = (shared.store, shared.request.layerForm)
        if form.fits(step.layer.descriptor) { return step }
        let image = try Image(of: [step.layer], in: store).converted(to: form, above: 0, into: store)
        return CachedStep(layer: image.layers[0], epoch: step.epoch)
    }
}

/// The steps that run now: a second caller with the same key waits for the result.
actor StepSingleFlight {
    private var waiting: [Digest: [CheckedContinuation<CachedStep, any Error>]] = [:]

    /// Returns the step's result, and true if it was made for this caller.
    nonisolated func run(
        _ key: Digest, _ make: () async throws -> CachedStep
    ) async throws -> (step: CachedStep, isFirst: Bool) {
        if let step = try await waitForRunning(key) { return (step, false) }
        do {
            let step = try await make()
            await finish(key, .success(step))
            return (step, true)
        } catch {
            await finish(key, .failure(error))
            throw error
        }
    }

    /// Waits for the task that runs this step; returns nil if there is none, so the caller must run it.
    private func waitForRunning(_ key: Digest) async throws -> CachedStep? {
        if waiting[key] != nil { return try await withCheckedThrowingContinuation { waiting[key]?.append($0) } }
        waiting[key] = []
        return nil
    }

    private func finish(_ key: Digest, _ result: Result<CachedStep, any Error>) {
        for continuation in waiting.removeValue(forKey: key) ?? [] { continuation.resume(with: result) }
    }
}
