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
        _ name: String, isDeterministic: Bool, _ scenario: Scenario, _ image: Image, _ store: Store
    ) async throws -> ColdStart.Measurement {
        guard name == "container" || (name == "auto" && !isDeterministic && !hasEmulator) else {
            return try await boot(scenario, image, store, isDeterministic: isDeterministic)
        }
        if isDeterministic { throw Failure("only the qemu engine is deterministic", status: .usage) }
        return try await contain(scenario, image, store)
    }

    private static var hasEmulator: Bool {
        (Environment["PATH"] ?? "").split(separator: ":").contains { fileExists(FilePath("\($0)/qemu-system-x86_64")) }
    }

    private static func boot(
        _ scenario: Scenario, _ image: Image, _ store: Store, isDeterministic: Bool
    ) async throws -> ColdStart.Measurement {
        let kernel = try await Kernel.locate(cache: Cache.path)
        let program = try InitialProgram.locate()
        let area = try Directory.make(
            store.path.appending("thaw/layers/tmp.disk-\(getpid())-\(UInt32.random(in: 0 ... .max))"))
        defer { try? store.root.removeTree(FilePath("thaw/layers/\(area.path.lastComponent?.string ?? "")")) }
        let disk = area.path.appending("root.erofs")
        _ = try await RootDisk.write(image, tree: store.tree(of: image), to: disk)
        let engine = QemuEngine(disk: disk, kernel: kernel, initialProgram: program, isDeterministic: isDeterministic)
        return try await engine.measure(scenario)
    }

    private static func contain(
        _ scenario: Scenario, _ image: Image, _ store: Store
    ) async throws -> ColdStart.Measurement {
        throw Failure("the container engine is on its way")
    }
}
