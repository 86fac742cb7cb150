import Glibc
import Harness
import Testing

/// The applications of `fixtures/apps`: built, slimmed, started.
@Suite(.serialized) struct ApplicationTests {
    static let applications = "\(Repository.path)/fixtures/apps"

    /// Makes a bench in which the application is built as `app`.
    private static func build(_ name: String) throws -> Workbench {
        let bench = try Workbench()
        try bench.succeed("load", "-i", Bases.path)
        try bench.succeed("build", "--progress", "quiet", "-t", "app", "\(applications)/\(name)")
        return bench
    }

    private static let server = Result { try build("c-server") }

    @Test(
        "Both pass their probe before and after slimming, and keep their budgets",
        arguments: ["c-server", "python-api"])
    func container(name: String) throws {
        let bench = try name == "c-server" ? Self.server.get() : Self.build(name)
        let outcome = try bench.thaw(
            "optimize", "--engine", "container", "--runs", "1", "--progress", "quiet", "-t", "slim", "-o", "report",
            "\(Self.applications)/\(name)")
        #expect(outcome.status == 0, "\(outcome.error)\(outcome.output)")
        let report = try Document(parsing: bench.read("report/report.json"))
        #expect(report["slim"]["verification"]["passed"] == .bool(true))
        #expect(report["boot"]["after"]["response"]["status"] == .number(200))
        // The build before it has cached all steps.
        #expect(report["build"]["thaw.steps"].list.allSatisfy { $0["cached"] == .bool(true) })
        let sizes = ["before", "after"].map { report["slim"][$0]["size"].number ?? 0 }
        #expect(sizes[1] < sizes[0] / 2)
        #expect(report["analysis"]["wastedBytes"].number ?? 0 > 0)
        #expect(try bench.faults() == [])
    }

    @Test("c-server answers in a microVM", .enabled(if: Program.exists("qemu-system-x86_64"), "QEMU is not installed"))
    func microVM() throws {
        let bench = try Self.server.get()
        let boot = try bench.document(
            "boot", "--engine", "qemu", "--probe", "http:8080/healthz", "--memory", "128MiB", "--format", "json", "app")
        #expect(["qemu", "kvm"].contains(boot["engine"].text))
        #expect(boot["response"]["status"] == .number(200))
        #expect(boot["phases"].list.compactMap(\.["name"].text).contains("kernel"))
        #expect(boot["kernel"]["release"].text?.isEmpty == false)
    }
}
