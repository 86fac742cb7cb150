internal import Build
internal import ColdStart
internal import Disk
internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

/// The starts of images on engines, with the disks and directories that an engine needs.
public struct Engines: Sendable {
    let store: Store
    let kernel: KernelChoice
    let isDeterministic: Bool
    let programVersion: String
    let host: any JobHost

    /// The starts of one image, whose disk or directories exist.
    typealias Starter = @Sendable (Scenario) async throws -> StartMeasurement

    /// Prepares images for an engine, and calls `body` with the starts of each.
    ///
    /// `auto` is the first of these that works: the engine kvm with a KVM that runs guests, an installed QEMU, the
    /// container. Nothing is written before the engine is chosen.
    func prepare<Value: Sendable>(
        _ choice: EngineChoice, _ subjects: [StartSubject], options: MachineOptions = MachineOptions(),
        _ body: @escaping @Sendable (_ starters: [Starter]) async throws -> Value
    ) async throws -> Value {
        switch try resolve(choice) {
        case .container: return try await contain(subjects, body)
        case .auto, .qemu:
            let isDeterministic = isDeterministic
            return try await boot(subjects) { disks, _, kernel, program in
                let conditions = try conditions(program, kernel: kernel.image)
                return try await body(
                    disks.map { disk in
                        let engine = QemuEngine(
                            disk: disk, kernel: kernel, initialProgram: program, cache: Environment.cache,
                            isDeterministic: isDeterministic)
                        return { try await engine.measure($0).adding(conditions) }
                    })
            }
        case .kvm: break
        }
        let isSmall = kernel == .small
        return try await boot(subjects) { disks, area, found, program in
            let conditions = try conditions(program, kernel: found.image)
            return try await body(
                zip(subjects, disks).map { subject, disk in
                    let engine = KvmEngine(
                        disk: disk, subject: "\(subject.image.descriptor.digest)", kernel: found,
                        initialProgram: program, cache: Environment.cache, startMode: options.startMode,
                        scratch: area, network: options.network,
                        keptMachine: options.keptMachine, isRootMemory: isSmall)
                    return { try await engine.measure($0).adding(conditions) }
                })
        }
    }

    /// Returns the conditions that are files: this program, the guest's init and the kernel.
    private func conditions(_ program: FilePath, kernel: FilePath?) throws -> Fingerprint {
        let cache = StartCache(Environment.cache)
        func digest(_ path: FilePath) throws -> String {
            let text = try cache.bytes("digest", of: path) {
                Array("\(Digest(of: try OwnedDescriptor(path).readAll(limit: 256 << 20)))".utf8)
            }
            return String(decoding: text, as: UTF8.self)
        }
        var conditions = Fingerprint(["thaw": programVersion, "init": try digest(program)])
        if let kernel { conditions.add("kernel", try digest(kernel)) }
        return conditions
    }

    /// Returns the engine of a choice, never `auto`; throws if it does not work here.
    private func resolve(_ choice: EngineChoice) throws -> EngineChoice {
        switch choice {
        case .container where isDeterministic, .kvm where isDeterministic:
            throw Failure("only the qemu engine is deterministic", status: .usage)
        case .container: return .container
        case .kvm:
            if let reason = KvmEngine.unavailableReason() { throw ColdStartError.machineUnavailable(reason) }
            return .kvm
        case .auto where !isDeterministic && KvmEngine.unavailableReason() == nil: return .kvm
        case .auto where !isDeterministic && !Self.hasEmulator: return .container
        case .auto, .qemu:
            try QemuEngine.expectEmulator()
            return .qemu
        }
    }

    /// Expects that the choice selects the engine kvm, which alone supports the option `what`.
    public static func expectOwnMachine(_ choice: EngineChoice, for what: String) throws {
        switch choice {
        case .kvm: return
        case .auto:
            guard let reason = KvmEngine.unavailableReason() else { return }
            throw Failure("\(what) needs the engine kvm, but \(reason)", status: .unmeasurable)
        case .qemu, .container:
            throw Failure("\(what) needs the engine kvm", remedy: "add --engine kvm", status: .usage)
        }
    }

    static var hasEmulator: Bool { (try? QemuEngine.expectEmulator()) != nil }

    /// Writes each image to a disk, finds a kernel and the init, and calls `body` with them.
    private func boot<Value: Sendable>(
        _ subjects: [StartSubject],
        _ body:
            @escaping @Sendable (_ disks: [FilePath], _ area: FilePath, Kernel, _ program: FilePath) async throws ->
            Value
    ) async throws -> Value {
        let kernel = try await Kernel.locate(self.kernel, cache: Environment.cache)
        let program = try InitialProgram.locate()
        let store = store
        return try await inWorkArea { _, area in
            var disks: [FilePath] = []
            for subject in subjects {
                disks.append(try await disk(of: subject, in: store, or: area.appending("root\(disks.count).erofs")))
            }
            return try await body(disks, area, kernel, program)
        }
    }

    /// Returns the image's disk: one that the store keeps, else a new one, at `path` if the store can't be written.
    private func disk(of subject: StartSubject, in store: Store, or path: FilePath) async throws -> FilePath {
        let image = subject.image
        let chain = Digest.chainID(of: image.layers)
        if let chain, let kept = try store.disk(of: chain, version: RootDisk.version) { return kept }
        let tree = if let tree = subject.tree { tree } else { try await store.tree(of: image) }
        if let chain {
            let kept = try await store.keepDisk(of: chain, version: RootDisk.version) {
                _ = try await RootDisk.write(image, tree: tree, to: $0)
            }
            if let kept { return kept }
        }
        _ = try await RootDisk.write(image, tree: tree, to: path)
        return path
    }

    private func contain<Value: Sendable>(
        _ subjects: [StartSubject], _ body: @escaping @Sendable (_ starters: [Starter]) async throws -> Value
    ) async throws -> Value {
        let program = try InitialProgram.locate()
        let conditions = try conditions(program, kernel: nil)
        return try await inWorkArea { snapshots, area in
            let ids = try Users.separate.storedIDs(on: area)
            var starters: [Starter] = []
            for subject in subjects {
                let layers = try await snapshots.stored(with: ids).directories(of: subject.image)
                let engine = ContainerEngine(layers: layers, ids: ids, scratch: area, initialProgram: program)
                starters.append { try await engine.measure($0).adding(conditions) }
            }
            do {
                return try await body(starters)
            } catch ColdStartError.guestFailed(let stage, let subject, let reason) {
                let error = ColdStartError.guestFailed(stage: stage, subject: subject, reason: reason)
                guard let loneliness = UserNamespace.singleUserRemedy else { throw error }
                throw Failure("\(error)", remedy: loneliness, status: .unmeasurable)
            }
        }
    }

    /// Runs `body` with a temporary directory in the store, which is removed afterwards.
    func inWorkArea<T: Sendable>(
        _ body: @escaping @Sendable (Snapshots, FilePath) async throws -> T
    ) async throws -> T {
        let lease = try store.lease()
        let host = host
        let snapshots = try Snapshots(store) { host.note($0) }
        let area = try snapshots.makeWorkArea()
        do {
            let result = try await host.cancelling {
                try? snapshots.removeWorkArea(area)
            } _: {
                try await body(snapshots, area)
            }
            try snapshots.removeWorkArea(area)
            try lease.release()
            return result
        } catch {
            // The error of `body` is reported; the next garbage collection removes a directory that stays.
            try? snapshots.removeWorkArea(area)
            throw error
        }
    }
}

extension StartMeasurement {
    /// Returns the measurement with further conditions in its fingerprint.
    fileprivate func adding(_ conditions: Fingerprint) -> StartMeasurement {
        var measurement = self
        measurement.fingerprint.add(conditions)
        return measurement
    }
}
