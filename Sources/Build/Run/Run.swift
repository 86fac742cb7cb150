internal import Frontend
internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

// RUN: the command runs in a container over the layers so far; the files that it writes become the layer.

extension StageBuilder {
    mutating func run(_ run: Instruction.Run, from source: StepSource) async throws {
        let line = source.line
        try allow(run, line)
        let job = RunJob(run, mounts: try await mounts(of: run, line), in: self)
        let stage = self
        let history = Frontend.CreatedBy.run(job.words, arguments: scope.historyArguments)
        try await step(source, history: history, keys: try await keys(of: job)) {
            try await stage.execute(job, line)
        }
    }

    private func allow(_ run: Instruction.Run, _ line: Int) throws {
        let place = plan.place(line)
        if let device = run.devices.first {
            let reason = "a command of a build has no device of the host, so its layer can't depend on the machine"
            throw BuildError.unsupported("RUN --device=\(device.text)", reason: reason, at: place)
        }
        let allowed = shared.request.entitlements
        if run.security == .insecure, !allowed.contains(.insecure) {
            throw BuildError.notAllowed("RUN --security=insecure", .insecure, at: place)
        }
        if run.network == .host, shared.request.network != .host, !allowed.contains(.hostNetwork) {
            throw BuildError.notAllowed("RUN --network=host", .hostNetwork, at: place)
        }
    }

    /// Returns two keys: one with the origin of bound files, which is cheap to find, and one with their content.
    private func keys(of job: RunJob) async throws -> [() async throws -> StepFingerprint] {
        let binds = job.mounts.compactMap(\.bound)
        let base = job.key(on: self)
        if binds.isEmpty { return [{ base }] }
        let stage = self
        var keys: [() async throws -> StepFingerprint] = []
        var cheapKeys: [(name: String, value: String)] = []
        for bind in binds {
            if let cheapKey = try await cheapKey(at: bind.origin, [bind.source]) { cheapKeys.append(cheapKey) }
        }
        if cheapKeys.count == binds.count {
            var key = base
            for cheapKey in cheapKeys { key.add(cheapKey.name, cheapKey.value) }
            keys.append { [key] in key }
        }
        keys.append {
            var key = base
            for bind in binds {
                let (source, selection) = try await stage.selection(of: bind)
                let digests = try await Offload.run { try source.digests(of: selection.files) }
                selection.add(to: &key, digests: digests)
            }
            return key
        }
        return keys
    }

    private func execute(_ job: RunJob, _ line: Int) async throws -> CachedStep {
        if shared.request.run.runtime == nil {
            let ladder = try await shared.isolation()
            if try ladder.require() == .chroot { return try await executeInRoot(job, line, ladder) }
        }
        if RunNetwork(job.network).network == .isolated {
            Sandbox.Network.prepareIsolation(for: shared.request.run.users)
        }
        let area = try shared.snapshots.makeWorkArea()
        do {
            let ids = try shared.request.run.storedIDs(isPrivileged: job.isPrivileged, in: area)
            let snapshots = shared.snapshots.stored(with: ids)
            let mounts = try await prepared(job.mounts, line, ids: ids)
            let overlay = try await snapshots.overlay(of: image, in: area)
            let account = try overlay.account(job.user)
            var command = try job.command(account: account, epoch: epoch)
            // Another OCI runtime mounts /sys itself.
            if shared.request.run.runtime == nil { command.hideOtherCPUs() }
            let container = Container(overlay, runtime: shared.request.run.runtime)
            try shared.expectIsolation(without: container.missingIsolation(of: command))
            let record = record(of: job, command, mounts, line, isShifted: overlay.isShifted)
            let attached = try await AttachedMounts.attach(mounts, to: &command, in: area, shared.store, ids: ids)
            defer { withExtendedLifetime(attached) {} }
            let tail = OutputTail()
            var network = RunNetwork(job.network)
            let end = try await start(command, in: container, &network, tail, line)
            guard end.isSuccess else {
                // A failure to keep the step must not hide the step's own failure.
                try? FailedStep.keep(area, record, in: shared.store)
                throw BuildError.runFailed(
                    RunFailure(
                        command: job.text, end: end, output: tail.lines, networkUnavailable: network.unavailable),
                    at: plan.place(line))
            }
            return try await result(
                of: overlay, below: try await shared.trees.tree(of: image), in: area, snapshots: snapshots)
        } catch {
            // The first error counts; a directory that stays is removed by the next garbage collection.
            try? shared.snapshots.removeWorkArea(area)
            throw error
        }
    }

    /// Returns the data for a debug session, in case the command fails.
    func record(
        of job: RunJob, _ command: Command, _ mounts: [PreparedMount], _ line: Int, isolation: Isolation? = nil,
        isShifted: Bool = false
    ) -> FailedStep.Record {
        FailedStep.Record(
            place: "\(plan.place(line))", words: job.words, shell: shell,
            environment: command.environment.filter { !job.proxies.contains($0) },
            workingDirectory: workingDirectory, user: job.user, network: job.network.rawValue,
            isPrivileged: command.isPrivileged, users: command.users, layers: image.layers.map { StoredLayer($0) },
            mounts: mounts, isolation: isolation, hostname: command.hostname,
            isShifted: isShifted, limits: FailedStep.Limits(job.options))
    }

    private func start(
        _ command: Command, in container: Container, _ network: inout RunNetwork, _ tail: OutputTail, _ line: Int
    ) async throws -> RunEnd {
        let (shared, label) = (shared, label)
        let options = shared.request.run
        let running = try await network.start(command) {
            shared.noteOnce($0)
        } _: { command in
            try await container.start(command) { _, span in
                let bytes = unsafe span.withUnsafeBytes { unsafe Array($0) }
                tail.add(bytes)
                shared.progress(.output(stage: label, line: line, bytes: bytes))
            }
        }
        return try await running.end(within: options.timeout, memoryLimit: options.memoryLimit)
    }

    /// Makes the layer of the command's files; its upper directory becomes the unpacked layer for the next command.
    private func result(
        of overlay: Overlay, below: FileTree, in area: FilePath, snapshots: Snapshots
    ) async throws -> CachedStep {
        let (shared, image, epoch) = (shared, image, epoch)
        return try await Offload.run {
            let step = try Self.layer(of: overlay, below, shared, epoch: epoch, ids: snapshots.ids)
            try snapshots.adopt(overlay.upper, as: image.layers + [step.layer])
            try snapshots.removeWorkArea(area)
            return step
        }
    }

    private static func layer(
        of overlay: Overlay, _ tree: FileTree, _ shared: BuildState, epoch: Int64, ids: IDMap
    ) throws -> CachedStep {
        let writer = try LayerWriter(into: shared.store, shared.request.layerForm)
        let lowers = try overlay.lowers.map { try Directory($0) }
        let upper = try Directory(overlay.upper)
        let difference = OverlayDiff(upper: upper, lower: tree, epoch: epoch, ids: ids) { path in
            // The topmost directory with the file: a hard link's content may be in a higher layer than its first name.
            guard let lower = try lowers.first(where: { try $0.exists(FilePath(path)) }) else { return nil }
            return FileSource(try lower.open(FilePath(path), [.read, .noFollow]))
        }
        try difference.write(to: writer)
        return CachedStep(layer: try writer.finish(), epoch: epoch)
    }
}
