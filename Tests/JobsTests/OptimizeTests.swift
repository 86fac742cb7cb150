import Analysis
import ColdStart
import Harness
import Jobs
import Linux
import OCI
import Project
import Proof
import Slim
import Support
import Testing

/// The main job, with starts that need no engine.
@Suite struct OptimizeTests {
    /// A server of two layers, with a page and a file that nothing needs.
    private static func image(in workspace: Workspace) throws -> Image {
        let program = ELFMaker().bytes
        return try workspace.image([
            [try file("server", program, mode: 0o755), try file("page", Array("hello".utf8))],
            [try file("usr/share/doc/unused", [UInt8](repeating: 1, count: 9000))],
        ]).configured { $0.entrypoint = ["/server"] }
    }

    private static func optimize(
        in workspace: Workspace, _ budget: ProjectFile.Budget = .init(), host: FakeHost = FakeHost(),
        excluding pattern: String? = nil, isEmulated: Bool = false
    ) async throws -> Optimization {
        let job = OptimizeJob(
            try image(in: workspace), name: "app", slimName: "app:slim",
            boot: FakeStarter(milliseconds: { $0 == 1 ? [40, 50, 60] : [100, 110, 120] }, isEmulated: isEmulated),
            in: workspace.store, budget: budget,
            host: host)
        return try await job.run(ProofSettings()) {
            SlimOptions(exclude: try pattern.map { [try ImagePathPattern($0)] } ?? [], observed: $0)
        }
    }

    @Test("All parts run in order, and the slim image has the opened files")
    func parts() async throws {
        let (workspace, host) = (try Workspace(), FakeHost())
        let result = try await Self.optimize(in: workspace, host: host)
        #expect(
            host.texts == [
                "analysing", "probing the original", "slimming and probing the slim image", "starting both in turns",
            ])
        #expect(result.verification.passed)
        #expect(result.after.image.layers.count == 1)
        let tree = try await result.after.image.tree()
        #expect(try result.after.image.contents(of: "page", in: tree) == Array("hello".utf8))
        #expect(try result.after.image.contents(of: "usr/share/doc/unused", in: tree) == nil)
    }

    @Test("The summary has sizes and starts of both images, and the verdict")
    func summary() async throws {
        let result = try await Self.optimize(in: Workspace(), .init(layers: 1, start: .milliseconds(40)))
        let lines = result.summary(report: "out/report.html").split(separator: "\n")
        #expect(
            lines.dropFirst() == [
                "start  110 ms -> 50 ms to the first request (container on this machine's kernel, median of 3)",
                "verdict cannot tell (4 more runs of each would): 0.455 times the time to the first request "
                    + "(95 % interval 0.33 to 0.626, p = 0.1, 3 runs of each)",
                "report out/report.html", "holds  layers: 1 of 1", "BROKEN  start: 50 ms of 40 ms, 10 ms too much",
            ])
        #expect(!result.verdict.holds)
    }

    @Test("Budgets that need the files of the slim image are checked, and growth is noted")
    func furtherBudgets() async throws {
        var budget = ProjectFile.Budget()
        (budget.forbidsRoot, budget.setuid, budget.growth) = (true, 0, .part(0.1))
        let host = FakeHost()
        let result = try await Self.optimize(in: Workspace(), budget, host: host)
        #expect(result.verdict.text == "holds  setuid: 0 of 0\nBROKEN  root: the program runs as root")
        #expect(host.texts.contains { $0.contains("the budget 'growth' is checked by thaw gate only") })
    }

    @Test("The report has all documents, and is valid")
    func document() async throws {
        let result = try await Self.optimize(in: Workspace(), .init(layers: 1))
        let document = try Document(parsing: result.document.text)
        #expect(try DocumentSchema("optimization").violations(by: document) == [])
        #expect(document["boot"]["after"]["timeToFirstRequestMs"]["samples"].list.count == 3)
        #expect(document["slim"]["verification"]["passed"] == .bool(true))
        #expect(result.page.html.contains("app"))
    }

    @Test("An emulator's time has no verdict: the counted work has it, and both are in the report")
    func emulated() async throws {
        let host = FakeHost()
        let result = try await Self.optimize(in: Workspace(), host: host, isEmulated: true)
        #expect(host.texts.contains("counting the work of both"))
        #expect(result.startVerdict?.basis == .work)
        let lines = result.summary(report: "r").split(separator: "\n")
        #expect(
            lines[1] == "start  110 ms -> 50 ms to the first request (qemu, emulated: no KVM here, median of 3; "
                + "this time says nothing about real machines)")
        #expect(
            lines[2] == "verdict faster: 0.455 times the work and waiting of the entrypoint until the first byte "
                + "(110.0 M -> 50.0 M instructions, waiting 0 ms -> 0 ms)")
        let document = try Document(parsing: result.document.text)
        #expect(try DocumentSchema("optimization").violations(by: document) == [])
        #expect(document["boot"]["comparison"]["basis"] == .string("time"))
        #expect(document["boot"]["counted"]["comparison"]["verdict"] == .string("faster"))
    }

    @Test("A slim image without the response of the original is refused, with the probe and the remedy")
    func unlike() async throws {
        let workspace = try Workspace()
        let result = try await Self.optimize(in: workspace, excluding: "/page")
        #expect(!result.verification.passed)
        let failure = try #require(throws: Failure.self) { try result.verification.require() }
        #expect(failure.message.hasPrefix("the slim image differs from the original: http:8080/: "))
        #expect(failure.remedy?.contains("--include") == true)
    }
}
