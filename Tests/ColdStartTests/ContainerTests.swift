import Glibc
import Linux
import Probe
import SystemPackage
import Testing

@testable import ColdStart

@Suite(
    "Container", .serialized, .enabled(if: getuid() == 0 && BootFixture.compilerObstacle == nil, "needs root and cc"),
    .timeLimit(.minutes(2)))
struct ContainerTests {
    private func measure(_ arguments: [String], _ probe: ProbeAction, user: String = "") async throws
        -> StartMeasurement
    {
        let tree = try await BootFixture.tree.value
        let scratch = FilePath("/var/tmp/thaw-tests/container-\(getpid())")
        defer { try? Directory("/var/tmp/thaw-tests").removeTree(FilePath("container-\(getpid())")) }
        let engine = ContainerEngine(
            layers: [tree], ids: .initial, scratch: scratch, initialProgram: try InitialProgram.locateForTests())
        var scenario = Scenario(arguments: arguments, probe: probe, timeout: .seconds(2), runs: 3)
        scenario.user = user
        let measurement = try await engine.measure(scenario)
        #expect(try Directory(scratch).entries().isEmpty)
        return measurement
    }

    @Test("An HTTP probe measures the phases of a container")
    func http() async throws {
        let measurement = try await measure(["server", "serve", "80", "200", "ready"], .http(port: 80, path: "/"))
        #expect(measurement.phases.map(\.name) == [.`init`, .exec, .listen, .firstByte])
        #expect(measurement.response == ProbeResponse(status: 200, byteCount: 11))
        #expect(measurement.runs == 3)
        #expect(measurement.console.contains("ready"))
        #expect((measurement.peakGuestMemoryBytes ?? 0) > 10_000)
        print("container:", measurement.phases.map { "\($0.name) \($0.milliseconds.median)" })
    }

    @Test("A container's user has the same groups and capabilities as a machine's")
    func surroundings() async throws {
        let measurement = try await measure(["server", "describe", "8080"], .tcp(port: 8080), user: "web")
        #expect(measurement.console.contains("uid=1000 gid=1000 groups=44,1000, cwd=/ host=thaw"))
        #expect(measurement.console.contains("caps=00000000a80425fb"))
    }

    @Test("A line of output can be the probe, and failures are the same as in a machine")
    func others() async throws {
        _ = try await measure(["server", "say", "port 8080 open"], .log("open"))
        await #expect(throws: ColdStartError.ended(how: "ended with status 4", lastLine: "no")) {
            try await measure(["server", "exit", "4", "no"], .tcp(port: 80))
        }
        await #expect(throws: ColdStartError.notExecutable("/bin/closed", reason: "it is not executable for this user"))
        {
            try await measure(["/bin/closed"], .tcp(port: 80))
        }
    }
}
