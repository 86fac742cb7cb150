internal import Frontend
internal import Linux
internal import OCI
internal import Synchronization

// A step makes a layer: taken from memory where one of its keys is known, else made, once.

extension StageBuilder {
    /// The first known of `keys` counts, and whatever comes of it is remembered under all of them. A later key costs
    /// more to find out, and tells less of what there is to know.
    mutating func step(
        _ text: String, _ line: Int, history: String, keys: [() async throws -> Fingerprint],
        make: () async throws -> CachedStep
    ) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        shared.progress(.started(stage: label, line: line, instruction: text))
        var prints: [Fingerprint] = []
        var remembered: CachedStep?
        for key in keys where remembered == nil {
            let print = try await key()
            prints.append(print)
            if usesCache { remembered = try await self.remembered(print.digest) }
        }
        let outcome = try await outcome(text, line, prints, remembered, make)
        let known = prints.map(\.digest)
        if remembered == nil || known.count > 1 { try remember(outcome.step, known, prints) }
        if let key = known.last { shared.history.note(label, text, key) }
        shared.note(outcome.step, of: known)
        epoch = shared.request.epoch ?? Self.bounded(max(epoch, outcome.step.epoch))
        let entry = Self.history(history, isEmptyLayer: false)
        image = image.appending(outcome.step.layer, history: entry)
        draft.history.append(entry)
        shared.finish(
            StepReport(
                stage: label, line: line, instruction: text, missed: outcome.missed, isByContent: known.count > 1,
                duration: clock.now - start))
    }

    /// What the step of that key gave, in the store or in a cache from elsewhere.
    private func remembered(_ key: Digest) async throws -> CachedStep? {
        if let step = try shared.store.cachedStep(for: key) { return step }
        for cache in shared.request.caches {
            if let step = try await Offload.run({ [shared] in try cache.step(key, into: shared.store) }) { return step }
        }
        return nil
    }

    /// Keeps a result under every key that leads to it, with what the last of them tells of its inputs.
    private func remember(_ step: CachedStep, _ keys: [Digest], _ prints: [Fingerprint]) throws {
        let inputs = prints.last?.inputs ?? []
        for key in keys {
            try shared.store.cache(step, for: key)
            try shared.history.keep(inputs, of: key)
        }
    }

    /// Whether this stage may use earlier results.
    private var usesCache: Bool {
        shared.request.usesCache && !shared.request.uncachedStages.contains(label)
    }

    /// What the step gives, and why it had to be done; nil where it had not.
    private func outcome(
        _ text: String, _ line: Int, _ prints: [Fingerprint], _ remembered: CachedStep?,
        _ make: () async throws -> CachedStep
    ) async throws -> (step: CachedStep, missed: MissReason?) {
        if let remembered { return (try await Offload.run { try stored(remembered) }, nil) }
        guard let print = prints.last else { preconditionFailure("a step has a key") }
        let reason = usesCache ? shared.history.explain(label, text, print) : .cacheIsOff
        if shared.request.expectsCache { throw BuildError.unexpectedMiss(reason, at: plan.place(line)) }
        let (step, isFirst) = try await shared.flights.run(print.digest, make)
        return (step, isFirst ? reason : nil)
    }

    /// A remembered step, its layer in this build's compression.
    private func stored(_ step: CachedStep) throws -> CachedStep {
        let (store, compression) = (shared.store, shared.request.compression)
        guard step.layer.descriptor.mediaType.layerCompression != compression else { return step }
        var form = LayerForm()
        form.compression = compression
        let image = try Image(of: [step.layer], in: store).converted(to: form, above: 0, into: store)
        return CachedStep(layer: image.layers[0], epoch: step.epoch)
    }
}

/// Steps being done now: whoever wants the same one waits for it instead of doing it again.
actor Flights {
    private var waiting: [Digest: [CheckedContinuation<CachedStep, any Error>]] = [:]

    /// What the step of that key gives, and whether it was done for this caller.
    nonisolated func run(
        _ key: Digest, _ make: () async throws -> CachedStep
    ) async throws -> (step: CachedStep, isFirst: Bool) {
        if let step = try await joined(key) { return (step, false) }
        do {
            let step = try await make()
            await land(key, .success(step))
            return (step, true)
        } catch {
            await land(key, .failure(error))
            throw error
        }
    }

    /// Waits for whoever does this step; nil where nobody did, and the caller has to.
    private func joined(_ key: Digest) async throws -> CachedStep? {
        if waiting[key] != nil { return try await withCheckedThrowingContinuation { waiting[key]?.append($0) } }
        waiting[key] = []
        return nil
    }

    private func land(_ key: Digest, _ result: Result<CachedStep, any Error>) {
        for continuation in waiting.removeValue(forKey: key) ?? [] { continuation.resume(with: result) }
    }
}
