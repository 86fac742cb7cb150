import Build
import ColdStart
import Disk
import Glibc
import Linux
import OCI
import SystemPackage

/// What an image is started on.
enum EngineChoice: String, CaseIterable {
    case auto, kvm, qemu, container
}

/// What only our own machine can do.
struct MachineWishes {
    /// What is done with it besides measuring.
    var life = KvmEngine.Life.boot
    /// What it reaches.
    var network = MachineNetwork.none
    /// It goes on after it was measured.
    var kept: KeptMachine?
}

/// Images on engines: prepares what an engine starts from, and cleans up behind it.
enum Engines {
    /// Measures on an engine; `auto` is our own machine where this machine's KVM runs one, else QEMU's where that is
    /// installed, else the container.
    static func run(
        _ choice: EngineChoice, wishes: MachineWishes = MachineWishes(), isDeterministic: Bool, _ kernel: KernelChoice,
        _ scenario: Scenario, _ image: Image, _ store: Store
    ) async throws -> ColdStart.Measurement {
        switch choice {
        case .container where isDeterministic, .kvm where isDeterministic:
            throw Failure("only the qemu engine is deterministic", status: .usage)
        case .container: return try await contain(scenario, image, store)
        case .auto where !isDeterministic && KvmEngine.obstacle() == nil: break
        case .auto where !isDeterministic && !hasEmulator: return try await contain(scenario, image, store)
        case .auto, .qemu:
            // Before a kernel is fetched and a disk written for it.
            try QemuEngine.expectEmulator()
            return try await boot(kernel, image, store) { disk, kernel, program in
                let engine = QemuEngine(
                    disk: disk, kernel: kernel, initialProgram: program, isDeterministic: isDeterministic)
                return try await engine.measure(scenario)
            }
        case .kvm: break
        }
        return try await boot(kernel, image, store) { disk, found, program in
            let engine = KvmEngine(
                disk: disk, subject: "\(image.descriptor.digest)", kernel: found, initialProgram: program,
                cache: Cache.path, life: wishes.life, scratch: disk.removingLastComponent(), network: wishes.network,
                kept: wishes.kept, isRootMemory: kernel == .small)
            return try await engine.measure(scenario)
        }
    }

    /// Expects that a choice comes to our own machine, the only one that does such things.
    static func expectOwnMachine(_ choice: EngineChoice, for what: String) throws {
        switch choice {
        case .kvm: return
        case .auto:
            guard let obstacle = KvmEngine.obstacle() else { return }
            throw Failure("\(what) takes the engine kvm, and \(obstacle)", status: .unmeasurable)
        case .qemu, .container:
            throw Failure("\(what) takes the engine kvm", remedy: "give --engine kvm", status: .usage)
        }
    }

    private static var hasEmulator: Bool { (try? QemuEngine.expectEmulator()) != nil }

    /// Lends the image as a disk, with a kernel and the init that boot it.
    private static func boot(
        _ choice: KernelChoice, _ image: Image, _ store: Store,
        _ body:
            @escaping @Sendable (_ disk: FilePath, Kernel, _ program: FilePath) async throws ->
            ColdStart.Measurement
    ) async throws -> ColdStart.Measurement {
        let kernel = try await Kernel.locate(choice, cache: Cache.path)
        let program = try InitialProgram.locate()
        return try await inWorkArea(of: store) { _, area in
            let disk = area.appending("root.erofs")
            _ = try await RootDisk.write(image, tree: store.tree(of: image), to: disk)
            return try await body(disk, kernel, program)
        }
    }

    private static func contain(
        _ scenario: Scenario, _ image: Image, _ store: Store
    ) async throws -> ColdStart.Measurement {
        let program = try InitialProgram.locate()
        return try await inWorkArea(of: store) { snapshots, area in
            let layers = try await snapshots.directories(of: image)
            return try await ContainerEngine(layers: layers, scratch: area, initialProgram: program).measure(scenario)
        }
    }

    /// Runs `body` with a directory of the store that goes away with it.
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
            // The failure counts; what stays is swept with the next collection.
            try? snapshots.removeWorkArea(area)
            throw error
        }
    }
}
