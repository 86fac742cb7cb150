import Guest
import Probe
import Testing

@testable import ColdStart

@Suite("Run records")
struct ProbeRecorderTests {
    private static let probeSet = ProbeSet(
        probes: [.log("ready"), .http(port: 80, path: "/"), .tcp(port: 81)], commands: [.exec(["true"])],
        recordsOpenedFiles: true)

    @Test("Probes go to init, patterns stay on the host, and the first probe for init shows that the program serves")
    func plan() throws {
        let probeSet = Self.probeSet
        #expect(probeSet.readinessProbe == .http(port: 80, path: "/"))
        var scenario = Scenario(arguments: ["x"], probe: .tcp(port: 1), timeout: .seconds(2))
        scenario.probeSet = probeSet
        #expect(scenario.totalTimeout == .seconds(8))
        let spec = BootSpec(scenario, in: .machine, channel: "c")
        #expect(spec.probe == .http(port: 80, path: "/"))
        #expect(spec.probeSpecs == probeSet.specs(timeoutMilliseconds: 2_000))
        #expect(spec.keepsRunning && spec.recordsOpenedFiles)
        #expect(!BootSpec(scenario, in: .container, channel: "c").recordsOpenedFiles)
        scenario.probeSet = ProbeSet(probes: [], commands: [.exec(["true"])])
        #expect(BootSpec(scenario, in: .machine, channel: "c").probe == nil)
    }

    @Test("Probe events are assembled to results, and the record is complete with the last one")
    func assembles() {
        var record = ProbeRecorder(Self.probeSet)
        let digest = [UInt8](repeating: 9, count: 32)
        record.receive(.chunk(probe: 0, .head, Array("HTTP/1.1 200\n".utf8)))
        for piece in ["ab", "cd"] { record.receive(.chunk(probe: 0, .body, Array(piece.utf8))) }
        record.receive(.total(probe: 0, .body, byteCount: 4, digest: digest))
        record.receive(.finished(probe: 0, .http(status: 200, byteCount: 4)))
        record.receive(.finished(probe: 0, .timedOut))
        record.receive(.finished(probe: 1, .refused))
        record.receive(.finished(probe: 2, .notStarted(2)))
        record.receive(.listening([443, 80, 443]))
        for path in ["/b", "/a", "/b"] { record.receive(.openedFile(Array(path.utf8))) }
        #expect(!record.isComplete)
        record.receiveOutput(Array("it is rea".utf8))
        record.receiveOutput(Array("dy\n".utf8))
        #expect(record.isComplete)
        let results = record.probeResults(.signal(11))
        #expect(
            results.results.map(\.outcome) == [
                .matched, .http(status: 200, byteCount: 4), .refused, .notStarted(2),
            ])
        #expect(results.results.map(\.outcome.passes) == [true, true, false, false])
        #expect(results.results[1].body == StreamDigest(prefix: Array("abcd".utf8), byteCount: 4, digest: digest))
        #expect(results.listeningPorts == [80, 443])
        #expect(results.earlyExit == .signal(11))
        #expect(results.openedFiles == .recorded([Array("/a".utf8), Array("/b".utf8)], isComplete: true))
    }

    @Test("A guest that sends too much, or events of unknown probes, costs no memory")
    func bounded() {
        var record = ProbeRecorder(Self.probeSet)
        let piece = [UInt8](repeating: 0x41, count: ProbeEvent.chunkLimit)
        for part in ProbeEvent.ResponsePart.allCases {
            for _ in 0..<50 { record.receive(.chunk(probe: 2, part, piece)) }
        }
        record.receive(.chunk(probe: .max, .body, piece))
        record.receive(.finished(probe: 3, .timedOut))
        for number in 0..<70_000 { record.receive(.openedFile(Array("/\(number)".utf8))) }
        record.receive(.listening([UInt16](repeating: 1, count: 9_000)))
        let results = record.probeResults(nil)
        #expect(results.results.count == 4)
        #expect(results.results[3].head.count == 32_768)
        #expect(results.results[3].body.prefix.count == StreamDigest.prefixLimit)
        #expect(results.results[3].stderr.prefix.count == StreamDigest.prefixLimit)
        #expect(results.listeningPorts == [1])
        guard case .recorded(let paths, let isComplete) = results.openedFiles else {
            Issue.record("nothing was observed")
            return
        }
        #expect(paths.count == 65_536 && !isComplete)
        #expect(!record.isComplete)
    }
}
