import Build
import ColdStart
import Disk
import Glibc
import Linux
import OCI
import SystemPackage

/// Images on engines: prepares what an engine starts from, and cleans up behind it.
enum Engines {
    /// Measures on the engine of that name; `auto` is the microVM where QEMU is installed, else the container.
    static func run(
        _ name: String, isDeterministic: Bool, _ kernel: KernelChoice, _ scenario: Scenario, _ image: Image,
        _ store: Store
    ) async throws -> ColdStart.Measurement {
        guard name == "container" || (name == "auto" && !isDeterministic && !hasEmulator) else {
            return try await boot(kernel, scenario, image, store, isDeterministic: isDeterministic)
        }
        if isDeterministic { throw Failure("only the qemu engine is deterministic", status: .usage) }
        return try await contain(scenario, image, store)
    }

    private static var hasEmulator: Bool {
        (Environment["PATH"] ?? "").split(separator: ":").contains { fileExists(FilePath("\($0)/qemu-system-x86_64")) }
    }

    private static func boot(
        _ choice: KernelChoice, _ scenario: Scenario, _ image: Image, _ store: Store, isDeterministic: Bool
    ) async throws -> ColdStart.Measurement {
        let kernel = try await Kernel.locate(choice, cache: Cache.path)
        let program = try InitialProgram.locate()
        return try await inWorkArea(of: store) { _, area in
            let disk = area.appending("root.erofs")
            _ = try await RootDisk.write(image, tree: store.tree(of: image), to: disk)
            let engine = QemuEngine(
                disk: disk, kernel: kernel, initialProgram: program, isDeterministic: isDeterministic)
            return try await engine.measure(scenario)
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
    private static func inWorkArea<T>(
        of store: Store, _ body: (Snapshots, FilePath) async throws -> T
    ) async throws -> T {
        let lease = try store.lease()
        let snapshots = try Snapshots(store)
        let area = try snapshots.makeWorkArea()
        do {
            let result = try await body(snapshots, area)
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
