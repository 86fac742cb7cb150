internal import Build
internal import ColdStart
internal import Disk
internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

/// The starts of images on engines, with the disks and directories that an engine needs.
public struct Engines {
    let store: Store
    let kernel: KernelChoice
    var isDeterministic: Bool
    let host: any JobHost

    /// Measures starts of an image on an engine.
    ///
    /// `auto` is the first of these that works: the engine kvm with a KVM that runs guests, an installed QEMU, the
    /// container.
    ///
    /// - Parameter tree: The image's tree, if it was already made.
    func run(
        _ choice: EngineChoice, _ scenario: Scenario, _ image: Image, tree: FileTree? = nil,
        options: MachineOptions = MachineOptions()
    ) async throws -> StartMeasurement {
        switch choice {
        case .container where isDeterministic, .kvm where isDeterministic:
            throw Failure("only the qemu engine is deterministic", status: .usage)
        case .container: return try await contain(scenario, image)
        case .auto where !isDeterministic && KvmEngine.unavailableReason() == nil: break
        case .auto where !isDeterministic && !Self.hasEmulator: return try await contain(scenario, image)
        case .auto, .qemu:
            // Checked before a kernel is fetched and a disk is written.
            try QemuEngine.expectEmulator()
            let isDeterministic = isDeterministic
            return try await boot(image, tree) { disk, kernel, program in
                let engine = QemuEngine(
                    disk: disk, kernel: kernel, initialProgram: program, isDeterministic: isDeterministic)
                return try await engine.measure(scenario)
            }
        case .kvm: break
        }
        let isSmall = kernel == .small
        return try await boot(image, tree) { disk, found, program in
            let engine = KvmEngine(
                disk: disk, subject: "\(image.descriptor.digest)", kernel: found, initialProgram: program,
                cache: Environment.cache, startMode: options.startMode, scratch: disk.removingLastComponent(),
                network: options.network, keptMachine: options.keptMachine, isRootMemory: isSmall)
            return try await engine.measure(scenario)
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

    private static var hasEmulator: Bool { (try? QemuEngine.expectEmulator()) != nil }

    /// Writes the image to a disk, finds a kernel and the init, and calls `body` with them.
    private func boot(
        _ image: Image, _ tree: FileTree?,
        _ body: @escaping @Sendable (_ disk: FilePath, Kernel, _ program: FilePath) async throws -> StartMeasurement
    ) async throws -> StartMeasurement {
        let kernel = try await Kernel.locate(self.kernel, cache: Environment.cache)
        let program = try InitialProgram.locate()
        let store = store
        return try await inWorkArea { _, area in
            let disk = area.appending("root.erofs")
            let tree = if let tree { tree } else { try await store.tree(of: image) }
            _ = try await RootDisk.write(image, tree: tree, to: disk)
            return try await body(disk, kernel, program)
        }
    }

    private func contain(_ scenario: Scenario, _ image: Image) async throws -> StartMeasurement {
        let program = try InitialProgram.locate()
        return try await inWorkArea { snapshots, area in
            let ids = try Users.separate.storedIDs(on: area)
            let layers = try await snapshots.stored(with: ids).directories(of: image)
            let engine = ContainerEngine(layers: layers, ids: ids, scratch: area, initialProgram: program)
            do {
                return try await engine.measure(scenario)
            } catch ColdStartError.guestFailed(let stage, let subject, let reason) {
                let error = ColdStartError.guestFailed(stage: stage, subject: subject, reason: reason)
                guard let loneliness = UserNamespace.singleUserRemedy else { throw error }
                throw Failure("\(error)", remedy: loneliness, status: .unmeasurable)
            }
        }
    }

    /// Runs `body` with a temporary directory in the store, which is removed afterwards.
    private func inWorkArea<T: Sendable>(
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
