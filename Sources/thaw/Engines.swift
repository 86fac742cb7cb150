import Build
import ColdStart
import Disk
import Glibc
import Linux
import OCI
import SystemPackage

/// The choice of an engine.
enum EngineChoice: String, CaseIterable {
    case auto, kvm, qemu, container
}

/// The options that only the engine kvm has.
struct MachineOptions {
    /// The use of snapshots.
    var startMode = KvmEngine.StartMode.boot
    /// The network of the machine.
    var network = MachineNetwork.none
    /// The settings of a machine that keeps running after the measurement; nil to stop it.
    var keptMachine: KeptMachine?
}

/// The starts of images on engines, with the disks and directories that an engine needs.
enum Engines {
    /// Measures starts of an image on an engine.
    ///
    /// `auto` is the first of these that works: the engine kvm with a KVM that runs guests, an installed QEMU, the
    /// container.
    ///
    /// - Parameter tree: The image's tree, if it was already made.
    static func run(
        _ choice: EngineChoice, options: MachineOptions = MachineOptions(), isDeterministic: Bool,
        _ kernel: KernelChoice, _ scenario: Scenario, _ image: Image, tree: FileTree? = nil, _ store: Store
    ) async throws -> ColdStart.StartMeasurement {
        switch choice {
        case .container where isDeterministic, .kvm where isDeterministic:
            throw Failure("only the qemu engine is deterministic", status: .usage)
        case .container: return try await contain(scenario, image, store)
        case .auto where !isDeterministic && KvmEngine.unavailableReason() == nil: break
        case .auto where !isDeterministic && !hasEmulator: return try await contain(scenario, image, store)
        case .auto, .qemu:
            // Checked before a kernel is fetched and a disk is written.
            try QemuEngine.expectEmulator()
            return try await boot(kernel, image, tree, store) { disk, kernel, program in
                let engine = QemuEngine(
                    disk: disk, kernel: kernel, initialProgram: program, isDeterministic: isDeterministic)
                return try await engine.measure(scenario)
            }
        case .kvm: break
        }
        return try await boot(kernel, image, tree, store) { disk, found, program in
            let engine = KvmEngine(
                disk: disk, subject: "\(image.descriptor.digest)", kernel: found, initialProgram: program,
                cache: Cache.path, startMode: options.startMode, scratch: disk.removingLastComponent(),
                network: options.network, keptMachine: options.keptMachine, isRootMemory: kernel == .small)
            return try await engine.measure(scenario)
        }
    }

    /// Expects that the choice selects the engine kvm, which alone supports the option `what`.
    static func expectOwnMachine(_ choice: EngineChoice, for what: String) throws {
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
    private static func boot(
        _ choice: KernelChoice, _ image: Image, _ tree: FileTree?, _ store: Store,
        _ body:
            @escaping @Sendable (_ disk: FilePath, Kernel, _ program: FilePath) async throws ->
            ColdStart.StartMeasurement
    ) async throws -> ColdStart.StartMeasurement {
        let kernel = try await Kernel.locate(choice, cache: Cache.path)
        let program = try InitialProgram.locate()
        return try await inWorkArea(of: store) { _, area in
            let disk = area.appending("root.erofs")
            let tree = if let tree { tree } else { try await store.tree(of: image) }
            _ = try await RootDisk.write(image, tree: tree, to: disk)
            return try await body(disk, kernel, program)
        }
    }

    private static func contain(
        _ scenario: Scenario, _ image: Image, _ store: Store
    ) async throws -> ColdStart.StartMeasurement {
        let program = try InitialProgram.locate()
        return try await inWorkArea(of: store) { snapshots, area in
            let layers = try await snapshots.directories(of: image)
            let engine = ContainerEngine(layers: layers, scratch: area, initialProgram: program)
            do {
                return try await engine.measure(scenario)
            } catch ColdStartError.guestFailed(let stage, let subject, let reason) {
                let error = ColdStartError.guestFailed(stage: stage, subject: subject, reason: reason)
                guard let loneliness = Failure.singleUserRemedy else { throw error }
                throw Failure("\(error)", remedy: loneliness, status: .unmeasurable)
            }
        }
    }

    /// Runs `body` with a temporary directory in the store, which is removed afterwards.
    private static func inWorkArea<T: Sendable>(
        of store: Store, _ body: @escaping @Sendable (Snapshots, FilePath) async throws -> T
    ) async throws -> T {
        let lease = try store.lease()
        let snapshots = try Snapshots(store) { Terminal.note($0) }
        let area = try snapshots.makeWorkArea()
        do {
            let result = try await Interruption.ending {
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
