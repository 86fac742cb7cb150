import Glibc
import Harness
import Testing

/// The applications of `fixtures/apps`: built, slimmed, started.
@Suite(.serialized) struct ApplicationTests {
    static let applications = "\(Repository.path)/fixtures/apps"

    /// Makes a bench in which the application is built as `app`.
    private static func build(_ name: String) throws -> TestDirectory {
        let directory = try TestDirectory()
        try directory.succeed("load", "-i", Bases.path)
        try directory.succeed("build", "--progress", "quiet", "-t", "app", "\(applications)/\(name)")
        return directory
    }

    private static let server = Result { try build("c-server") }

    @Test(
        "Both pass their probe before and after slimming, and keep their budgets",
        arguments: ["c-server", "python-api"])
    func container(name: String) throws {
        let directory = try name == "c-server" ? Self.server.get() : Self.build(name)
        let outcome = try directory.thaw(
            "optimize", "--engine", "container", "--runs", "1", "--progress", "quiet", "-t", "slim", "-o", "report",
            "\(Self.applications)/\(name)")
        #expect(outcome.status == 0, "\(outcome.error)\(outcome.output)")
        let report = try Document(parsing: directory.read("report/report.json"))
        #expect(report["slim"]["verification"]["passed"] == .bool(true))
        #expect(report["boot"]["after"]["response"]["status"] == .number(200))
        // The build before it has cached all steps.
        #expect(report["build"]["thaw.steps"].list.allSatisfy { $0["cached"] == .bool(true) })
        let sizes = ["before", "after"].map { report["slim"][$0]["size"].number ?? 0 }
        #expect(sizes[1] < sizes[0] / 2)
        #expect(report["analysis"]["wastedBytes"].number ?? 0 > 0)
        #expect(try directory.faults() == [])
    }

    @Test("c-server answers in a microVM", .enabled(if: Program.exists("qemu-system-x86_64"), "QEMU is not installed"))
    func microVM() throws {
        let directory = try Self.server.get()
        let boot = try directory.document(
            "boot", "--engine", "qemu", "--probe", "http:8080/healthz", "--memory", "128MiB", "--format", "json", "app")
        #expect(["qemu", "kvm"].contains(boot["engine"].text))
        #expect(boot["response"]["status"] == .number(200))
        #expect(boot["phases"].list.compactMap(\.["name"].text).contains("kernel"))
        #expect(boot["kernel"]["release"].text?.isEmpty == false)
    }
}
