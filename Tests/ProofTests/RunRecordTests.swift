import Probe
import Proof
import Testing

@Suite("Run records") struct RunRecordTests {
    private static let set = ProbeSet(
        probes: [.http(port: 80, path: "/"), .log("up")], commands: [.exec(["id"])], recordsOpenedFiles: true)

    @Test("A run's record has every probe's fields, and the program's state after them")
    func whole() {
        let results = ProbeResults(
            results: [
                ProbeResult(
                    .http(status: 200, byteCount: 2), head: Array("HTTP/1.1 200 OK\nVary: a\n\n".utf8),
                    body: stream("ok")
                ), ProbeResult(.matched), ProbeResult(.ended(.status(1)), body: stream("x"), stderr: stream("yz")),
            ], listeningPorts: [80, 443], openedFiles: .recorded([Array("/a".utf8)], isComplete: true))
        let record = RunRecord(results, of: Self.set, on: "container")
        #expect(record.failureReason == nil && record.engine == "container")
        #expect(record.openedFiles == results.openedFiles)
        #expect(record.probes.map(\.probe) == ["http:80/", "log:up", "exec:id", "the program afterwards"])
        #expect(
            record.probes.map { $0.fields.map(\.name) } == [
                ["status", "header vary", "body"], ["answer"], ["ending", "output", "errors"],
                ["state", "listening on"],
            ])
        #expect(
            record.probes.map(\.summary) == [
                "status 200, 2 bytes", "a line matched", "exit status 1, 1 bytes, 2 bytes", "it runs, 80 443",
            ])
    }

    @Test("A program that ended before its last probe says how")
    func early() {
        let results = ProbeResults(
            results: [ProbeResult](repeating: ProbeResult(.matched), count: 3), earlyExit: .signal(11))
        let record = RunRecord(results, of: Self.set, on: "kvm")
        #expect(record.probes.last?.summary == "it was killed by signal 11, ")
    }

    @Test("Without a probe that init tries there is no state after the probes")
    func patterns() {
        let set = ProbeSet(probes: [.log("up")])
        let record = RunRecord(ProbeResults(results: [ProbeResult(.matched)]), of: set, on: "kvm")
        #expect(record.probes.map(\.probe) == ["log:up"])
    }

    @Test("A run without results has a reason")
    func none() {
        #expect(RunRecord(nil, of: Self.set, on: "kvm").failureReason == "the image was not probed")
    }

    /// Outcomes without a response, and their words.
    static let failures: [(ProbeResult.Outcome, String)] = [
        (.connected, "connected"), (.refused, "nothing listens"),
        (.broken, "the connection was closed before the end of the response"),
        (.timedOut, "no response before the timeout"),
        (.notStarted(13), "the command cannot be run: it is not executable for this user"),
    ]

    @Test("An outcome without a response is one field", arguments: failures)
    func answers(outcome: ProbeResult.Outcome, words: String) {
        let record = ProbeRecord(ProbeResult(outcome), of: "tcp:1", passes: false)
        #expect(record.fields.map(\.name) == ["answer"])
        #expect(record.summary == words)
    }

    @Test("The first probe that fails is the reason; a command may end in any way, but must end")
    func reason() {
        let good = ProbeResult(.http(status: 204, byteCount: 0))
        func reason(_ probe: ProbeResult, _ command: ProbeResult) -> String? {
            let results = ProbeResults(results: [probe, ProbeResult(.matched), command])
            return RunRecord(results, of: Self.set, on: "kvm").failureReason
        }
        #expect(reason(good, ProbeResult(.ended(.signal(9)))) == nil)
        #expect(reason(ProbeResult(.refused), ProbeResult(.timedOut)) == "http:80/: nothing listens")
        #expect(reason(good, ProbeResult(.timedOut)) == "exec:id: no response before the timeout")
    }
}
