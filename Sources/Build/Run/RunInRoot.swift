internal import Frontend
internal import Glibc
internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

// RUN without namespaces: the command changes a complete root file system, and the layer is its difference.

extension StageBuilder {
    func executeInRoot(_ job: RunJob, _ line: Int, _ ladder: IsolationLadder) async throws -> CachedStep {
        try expectChroot(job, line, ladder)
        let mounts = try await prepared(job.mounts, line)
        let roots = try RootDirectories(shared.store)
        let locked = try roots.makeWorkArea(shared.snapshots)
        defer { withExtendedLifetime(locked) {} }
        let area = locked.path
        do {
            let root = try await roots.take(image, shared.trees, to: area)
            let account = try Account(job.user, in: Directory(root))
            var command = try job.command(account: account, epoch: epoch)
            // The network of the surrounding container.
            command.network = .host
            try shared.expectIsolation(without: ChrootContainer.missingIsolation(of: command))
            let record = record(of: job, command, mounts, line, isolation: .chroot)
            let made = try await RootMounts.make(mounts, in: area, store: shared.store, trees: shared.trees)
            command.environment += made.environment
            let before = try await Offload.run { try RootSnapshot(Directory(root)).settled(in: area) }
            let tail = OutputTail()
            let (started, placements) = (command, made.placements + Self.scripts(of: command))
            let outcome = try await inTime(job, tail, line) {
                try await self.start(started, in: root, placements, area, tail, line)
            }
            try made.release()
            guard outcome.status.isSuccess else {
                // A failure to keep the step must not hide the step's own failure.
                try? FailedStep.keep(area, record, in: shared.store)
                let end = RunEnd(
                    outcome.status, ranOutOfMemory: outcome.ranOutOfMemory, limit: shared.request.run.memoryLimit)
                throw BuildError.runFailed(
                    RunFailure(command: job.text, end: end, output: tail.lines, networkUnavailable: nil),
                    at: plan.place(line))
            }
            return try await result(of: root, before, outcome.withheld, area)
        } catch {
            // The first error counts; a directory that stays is removed by the next garbage collection.
            try? shared.snapshots.removeWorkArea(area)
            throw error
        }
    }

    /// Runs `body`, and cancels it at the time limit of a step.
    private func inTime<T: Sendable>(
        _ job: RunJob, _ tail: OutputTail, _ line: Int, _ body: @Sendable @escaping () async throws -> T
    ) async throws -> T {
        guard let limit = shared.request.run.timeout else { return try await body() }
        let (command, place) = (job.text, plan.place(line))
        let error = { @Sendable () -> BuildError in
            .runFailed(
                RunFailure(command: command, end: .timedOut(limit), output: tail.lines, networkUnavailable: nil),
                at: place)
        }
        return try await within(limit, orThrow: error, body)
    }

    /// Throws for options that a chroot can't provide, before anything is unpacked.
    private func expectChroot(_ job: RunJob, _ line: Int, _ ladder: IsolationLadder) throws {
        var caches: Set<String> = []
        for mount in job.mounts {
            switch mount {
            case .memory: try refuse("RUN --mount=type=tmpfs", line, ladder)
            // Root could write to it, and later builds would see the change.
            case .cache(_, _, isReadOnly: true): try refuse("RUN --mount=type=cache,ro", line, ladder)
            case .cache(let use, _, _):
                let name = PreparedMount.cacheName(use.id, seed: use.seedName, owner: use.owner)
                guard caches.insert(name).inserted else {
                    return try refuse("RUN with the cache '\(use.id)' in two places", line, ladder)
                }
            case .bind, .secret, .agent: continue
            }
        }
        if job.isPrivileged { try refuse("RUN --security=insecure", line, ladder) }
        if job.network == .none { try refuse("RUN --network=none", line, ladder) }
    }

    private func refuse(_ what: String, _ line: Int, _ ladder: IsolationLadder) throws {
        throw BuildError.needsNamespaces(what, ladder.unavailable.first, at: plan.place(line))
    }

    /// Returns the Dockerfile's scripts, which their commands find as files.
    private static func scripts(of command: Command) -> [InjectedFile] {
        command.attachments.compactMap { attachment in
            guard case .content(let bytes, let mode, let uid, let gid) = attachment.source else { return nil }
            return InjectedFile(.file(bytes, mode: mode, uid: uid, gid: gid), at: attachment.target)
        }
    }

    private func start(
        _ command: Command, in root: FilePath, _ placements: [InjectedFile], _ area: FilePath, _ tail: OutputTail,
        _ line: Int
    ) async throws -> ChrootContainer.CommandResult {
        let (shared, label) = (shared, label)
        return try await ChrootContainer(root, area: area).run(command, placing: placements) { _, span in
            let bytes = unsafe span.withUnsafeBytes { unsafe Array($0) }
            tail.add(bytes)
            shared.progress(.output(stage: label, line: line, bytes: bytes))
        }
    }

    /// Makes the layer of the command's changes, and keeps its root for the next command.
    private func result(
        of root: FilePath, _ before: RootSnapshot, _ withheld: [FilePath], _ area: FilePath
    ) async throws -> CachedStep {
        let (shared, image, epoch) = (shared, image, epoch)
        let tree = try await shared.trees.tree(of: image)
        return try await Offload.run {
            let open = try Directory(root)
            let changes = try RootChanges(
                in: open, since: before, over: tree, withheld: withheld, by: shared.request.run.comparison)
            let writer = try LayerWriter(into: shared.store, shared.request.layerForm)
            let difference = try OverlayDiff(
                root: open, lower: tree, of: image, changes, epoch: epoch, ids: IDMap.current())
            try difference.write(to: writer)
            let step = CachedStep(layer: try writer.finish(), epoch: epoch)
            try RootDirectories(shared.store).give(root, as: image.layers + [step.layer])
            try shared.snapshots.removeWorkArea(area)
            return step
        }
    }
}

extension RootSnapshot {
    /// Waits until the file system's clock in `area` has passed the last change.
    ///
    /// A change in the same clock tick would not change the time stamps.
    fileprivate func settled(in area: FilePath) throws -> RootSnapshot {
        let directory = try Directory(area)
        for _ in 0..<50 {
            try directory.replace("clock", with: [], isSynced: false)
            if try directory.status(of: "clock").changed > newest { break }
            usleep(1000)
        }
        return self
    }
}
