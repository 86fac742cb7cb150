import Glibc
import Linux
import SystemPackage
import Testing

@testable import ColdStart

/// An image of one static program, and a kernel to boot it; made once for all tests.
struct BootFixture: Sendable {
    let disk: FilePath
    let kernel: Kernel
    let initialProgram: FilePath

    /// Why these tests cannot run here, or `nil`.
    static let obstacle: String? = {
        for program in ["qemu-system-x86_64", "mkfs.erofs", "cc"]
        where (try? Tool.output(["which", program], limit: 4_096)) == nil {
            return "\(program) is not installed"
        }
        return nil
    }()

    static let shared = Task {
        let root = FilePath("/tmp/thaw-boot-tests-\(getpid())")
        defer { try? Directory("/tmp").removeTree(FilePath(root.lastComponent?.string ?? "")) }
        for path in ["tree/bin", "tree/etc", "tree/srv"] { _ = try Directory.make(root.appending(path)) }
        let sources = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        let source = sources.appending("fixtures").appending("boot").appending("server.c")
        _ = try Tool.output(
            ["cc", "-static", "-O1", "-o", root.appending("tree/bin/server").string, source.string], limit: 1 << 16)
        let tree = try Directory(root.appending("tree"))
        try tree.replace("etc/passwd", with: Array("root:x:0:0::/root:\nweb:x:1000:1000::/srv:\n".utf8))
        try tree.replace("etc/group", with: Array("root:x:0:\nweb:x:1000:\nextra:x:44:web\n".utf8))
        try tree.replace("bin/text", with: Array("no program\n".utf8), mode: 0o755)
        try tree.replace("bin/closed", with: Array("no program\n".utf8))
        let cache = FilePath("/var/tmp/thaw-tests")
        let disk = cache.appending("server.erofs")
        _ = try Directory.make(cache)
        _ = try Tool.output(["mkfs.erofs", disk.string, root.appending("tree").string], limit: 1 << 20)
        return BootFixture(
            disk: disk, kernel: try await Kernel.locate(cache: cache), initialProgram: try InitialProgram.locateForTests())
    }

    func engine(isDeterministic: Bool = false) -> QemuEngine {
        QemuEngine(disk: disk, kernel: kernel, initialProgram: initialProgram, isDeterministic: isDeterministic)
    }
}

extension InitialProgram {
    /// Test bundles lie in the same directory as the programs of the package.
    static func locateForTests() throws -> FilePath {
        let places = CommandLine.arguments.map { FilePath($0).removingLastComponent().appending("thaw-init") }
        return try places.first { isAccessible($0.string, R_OK) } ?? locate()
    }
}

@Suite(
    "QEMU", .serialized, .enabled(if: BootFixture.obstacle == nil, Comment(rawValue: BootFixture.obstacle ?? "")),
    .timeLimit(.minutes(5)))
struct QemuTests {
    private func measure(
        _ arguments: [String], _ probe: Probe, timeout: Duration = .seconds(20),
        _ change: (inout Scenario) -> Void = { _ in }
    ) async throws -> Measurement {
        var scenario = Scenario(arguments: arguments, probe: probe, memoryBytes: 192 << 20, timeout: timeout)
        change(&scenario)
        return try await BootFixture.shared.value.engine().measure(scenario)
    }

    private func failure(_ arguments: [String], _ probe: Probe, timeout: Duration = .seconds(20)) async -> ColdStartError? {
        do {
            _ = try await measure(arguments, probe, timeout: timeout)
            return nil
        } catch { return error as? ColdStartError }
    }

    @Test("An HTTP probe gives every phase, and they add up to the time to first request")
    func http() async throws {
        let measurement = try await measure(["server", "serve", "8080", "200", "ready"], .http(port: 8080, path: "/"))
        #expect(measurement.phases.map(\.name) == Phase.Name.allCases)
        let sum = measurement.phases.map(\.milliseconds.median).reduce(0, +)
        #expect(abs(sum - measurement.timeToFirstRequest.median) < 0.01)
        #expect(measurement.response == Response(status: 200, byteCount: 11))
        #expect((measurement.peakGuestMemoryBytes ?? 0) > 10_000)
        #expect(measurement.console.contains("ready"))
        print("qemu:", measurement.phases.map { "\($0.name) \($0.milliseconds.median)" }, measurement.accelerationNote ?? "")
    }
}
