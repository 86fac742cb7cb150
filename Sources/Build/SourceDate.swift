internal import Frontend
internal import Linux
internal import OCI

// SOURCE_DATE_EPOCH: a number, or the name of a source whose time is used.

extension Builder {
    /// Returns the value of `--build-arg SOURCE_DATE_EPOCH`, else of that ARG before the first FROM; nil for none.
    ///
    /// A value other than a number is `context`, a named context, or a stage that only adds one remote source.
    func epoch(_ plan: BuildPlan, _ shared: BuildState) async throws -> Int64? {
        if let epoch = shared.epoch { return epoch }
        let name = "SOURCE_DATE_EPOCH"
        guard let text = plan.scope.arguments.values[name] ?? plan.scope.values[name], !text.isEmpty else { return nil }
        if let seconds = Int64(text), seconds >= 0 { return seconds }
        if text == "context" { return try await newest(in: shared.context(), of: text, shared) }
        let line = plan.dockerfile.globalArguments.last { $0.value.declarations.contains { $0.name.text == name } }
        let place = plan.place(line?.lines.lowerBound ?? 1)
        let context = StageGraph.contextName(text)
        let names = request.contexts.keys.map { StageGraph.contextName($0) }
        if plan.contextStages[context] == nil, names.contains(context) {
            return try await newest(in: shared.context(named: context, at: place), of: text, shared)
        }
        guard let stage = plan.dockerfile.stages.last(where: { $0.name == text.lowercased() }) else {
            throw BuildError.badEpoch(text, reason: "is neither a number of seconds nor a context or stage", at: place)
        }
        return try await epoch(of: stage, plan, shared)
    }

    /// Returns the newest time of a source's files.
    private func newest(in origin: Origin, of name: String, _ shared: BuildState) async throws -> Int64 {
        guard case .image(let image) = origin else {
            let reason = "is a directory of this machine, whose times change with each checkout"
            throw BuildError.badEpoch(name, reason: reason, at: BuildError.Location(file: "SOURCE_DATE_EPOCH", line: 1))
        }
        let tree = try await shared.trees.tree(of: image)
        let times = tree.inodes.filter { $0.linkCount > 0 && $0.ordinal >= 0 }.map(\.metadata.mtime.seconds)
        return StageBuilder.bounded(times.max() ?? 0)
    }

    /// Returns the time of the one remote source that a stage adds to `scratch`.
    private func epoch(of stage: Stage, _ plan: BuildPlan, _ shared: BuildState) async throws -> Int64 {
        let added = stage.instructions.filter { if case .add = $0.value { true } else { false } }
        let others = stage.instructions.filter { if case .arg = $0.value { false } else { true } }
        guard plan.graph.bases[stage.index] == .scratch, added.count == 1, others.count == 1,
            case .add(let add)? = added.first?.value, add.transfer.sources.count == 1, add.transfer.heredocs.isEmpty
        else {
            throw BuildError.badEpoch(
                stage.label, reason: "is a stage that does more than ADD of one remote source to scratch",
                at: plan.place(stage.lines.lowerBound))
        }
        return try await self.stage(stage.index, of: plan, sharing: shared, after: [:]).epoch
    }
}
