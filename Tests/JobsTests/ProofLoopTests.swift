import ImageFiles
import Jobs
import Linux
import OCI
import Probe
import Proof
import Slim
import Support
import Synchronization
import Testing

/// The loop of a proof, with starts that need no engine.
@Suite("The loop of a proof") struct ProofLoopTests {
    /// A runner whose image answers well with `/usr/share/tool/late`, which only later starts of the original open.
    private final class LateRunner: ImageRunner {
        private let starts = Mutex(0)
        let opensLate: Bool
        init(opensLate: Bool) { self.opensLate = opensLate }

        func run(_ image: Image, recordsOpenedFiles: Bool) async throws -> RunRecord {
            let tree = try await image.tree()
            let works = tree.resolve(.known("usr/share/tool/late")) != nil
            let number = starts.withLock { count in
                count += 1
                return count
            }
            let late = opensLate && number > 1 ? ["/usr/share/tool/late"] : []
            let paths = (["/usr/bin/tool"] + late).map { Array($0.utf8) }
            return RunRecord(
                probes: [ProbeRecord("http:80/", [("status", .text(works ? "200" : "500"))], passes: works)],
                openedFiles: recordsOpenedFiles ? .recorded(paths, isComplete: true) : .notRecorded)
        }
    }

    private static func sample(in workspace: Workspace) throws -> Image {
        let tool = ELFMaker.program(calling: ["execv"], texts: ["/etc/none"])
        let list = "/usr/bin/tool\n/usr/share/tool/late\n/usr/share/tool/other\n"
        return try workspace.image([
            [
                file("usr/bin/tool", tool.bytes, mode: 0o755), file("usr/share/tool/late", Array("x".utf8)),
                file("usr/share/tool/other", Array("x".utf8)),
                file(
                    "var/lib/dpkg/status", Array("Package: tool\nStatus: install ok installed\nVersion: 1\n".utf8)),
                file("var/lib/dpkg/info/tool.list", Array(list.utf8)),
            ]
        ]).configured { $0.entrypoint = ["/usr/bin/tool"] }
    }

    private static func prove(_ runner: LateRunner, settle: SettleTime) async throws -> (Traces, SlimJob.SlimResult) {
        let workspace = try Workspace()
        let image = try sample(in: workspace)
        let traces = try await Traces(of: image, by: runner, settings: ProofSettings(settle: settle))
        let loop = ProofLoop(of: image, try await ImageFiles(of: image), in: workspace.store, observes: true)
        let (_, result) = try await loop.run(traces, by: { _ in runner }) {
            SlimOptions(level: .trace, observed: $0)
        }
        return (traces, result)
    }

    @Test("A file that a further start of the original opens is put back, and the next round passes")
    func restored() async throws {
        let (_, result) = try await Self.prove(LateRunner(opensLate: true), settle: SettleTime())
        #expect(result.verification?.passed == true)
        #expect(result.rounds.map(\.restored) == [[.known("usr/share/tool/late")]])
        #expect(result.rounds.first?.difference.hasPrefix("http:80/: ") == true)
        #expect(result.document["verification"]?["rounds"]?.array?.count == 1)
        #expect(result.files.tree.resolve(.known("usr/share/tool/other")) == nil)
    }

    @Test("Two traces that differ are merged, and the difference is known")
    func traces() async throws {
        let (traces, result) = try await Self.prove(
            LateRunner(opensLate: true), settle: SettleTime(quiet: .seconds(1)))
        #expect(traces.differing == [Array("/usr/share/tool/late".utf8)])
        #expect(result.verification?.passed == true)
        #expect(result.rounds.isEmpty)
    }

    @Test("The loop ends if no start opens anything new")
    func vain() async throws {
        let (_, result) = try await Self.prove(LateRunner(opensLate: false), settle: SettleTime())
        #expect(result.verification?.passed == false)
        #expect(result.rounds.isEmpty)
    }
}
