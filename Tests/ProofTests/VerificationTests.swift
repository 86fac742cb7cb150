import Linux
import Probe
import Proof
import Synchronization
import Testing

/// Makes the result of an HTTP probe.
private func answer(
    _ body: String, status: Int = 200, header: String = "Content-Type: text/plain", to question: String = "http:80/"
) -> ProbeRecord {
    let result = ProbeResult(
        .http(status: UInt16(status), byteCount: UInt64(body.utf8.count)),
        head: Array("HTTP/1.1 \(status) X\n\(header)\n\n".utf8), body: stream(body))
    return ProbeRecord(result, of: question, passes: result.outcome.passes)
}

/// Makes the result of a command, which passes.
private func command(_ end: ProbeResult.ProcessEnd, _ stdout: String = "", _ stderr: String = "") -> ProbeRecord {
    ProbeRecord(
        ProbeResult(.ended(end), body: stream(stdout), stderr: stream(stderr)), of: "exec:x", passes: true)
}

private func record(_ probes: ProbeRecord...) -> RunRecord { RunRecord(probes: probes) }

@Suite("A verification") struct VerificationTests {
    /// Results before and after, and the first difference; nil if there is none.
    static let pairs: [(ProbeRecord, ProbeRecord, String?)] = [
        (answer("a"), answer("a"), nil),
        (answer("a"), answer("a", status: 500), "status was '200', is '500'"),
        (answer("one\ntwo\nthree"), answer("one\ntwö\nthree"), "body, line 2 was 'two', is 'twö'"),
        (answer("one\n"), answer("one\ntwo"), "body, line 2 was '', is 'two'"),
        (answer("a\0b"), answer("a\0c"), "body, byte 2 was 3 bytes, is 3 bytes"),
        (
            answer("a", header: "Content-Type: text/html"), answer("a"),
            "header content-type was 'text/html', is 'text/plain'"
        ),
        (
            answer("a", header: "X-A: 1\nContent-Type: text/plain"), answer("a"), "header x-a was '1', is missing"
        ),
        (
            answer("a", header: "B: 1\nDATE: Monday\nA: 2 "), answer("a", header: "a: 2\nDate:Tuesday\r\nb:1"), nil
        ),
        (answer("a", header: "Date: Monday"), answer("a", header: ""), "header date was '(any)', is missing"),
        (
            answer("a", header: "Vary: a\nVary: b"), answer("a", header: "Vary: a"), "header vary was 'a, b', is 'a'"
        ),
        (answer("\u{1B}[31mred"), answer("blue"), "body, line 1 was '[31mred', is 'blue'"),
        (command(.status(0), "1"), command(.status(0), "1", "A"), "errors, line 1 was '', is 'A'"),
        (
            answer("a"), ProbeRecord("http:80/", [("answer", .text("nothing listens"))], passes: false),
            "answer was 'status 200, 1 bytes', is 'nothing listens'"
        ),
        (command(.status(0)), command(.signal(11)), "ending was 'exit status 0', is 'killed by signal 11'"),
    ]

    @Test("The first difference has its probe, field and line", arguments: pairs)
    func differences(before: ProbeRecord, after: ProbeRecord, sentence: String?) {
        let verification = Verification(record(before), record(after))
        #expect(verification.passed == (sentence == nil))
        #expect(verification.difference == sentence.map { "\(before.probe): \($0)" })
    }

    @Test("Streams with the same beginning are distinguished by length and digest")
    func long() {
        func content(_ byteCount: UInt64, _ digest: UInt8) -> StreamDigest {
            StreamDigest(prefix: [1], byteCount: byteCount, digest: [UInt8](repeating: digest, count: 32))
        }
        func difference(_ left: StreamDigest, _ right: StreamDigest) -> String? {
            let sides = [left, right].map { content in
                record(
                    ProbeRecord(
                        ProbeResult(.http(status: 200, byteCount: 0), body: content), of: "http:1/", passes: true))
            }
            return Verification(sides[0], sides[1]).difference
        }
        #expect(difference(content(9, 1), content(9, 1)) == nil)
        #expect(difference(content(9, 1), content(8, 2)) == "http:1/: body was 9 bytes, is 8 bytes")
        #expect(difference(content(9, 1), content(9, 2))?.contains("body was sha256:0101") == true)
    }

    /// The original's results of two starts, the slim image's, and true if that passes.
    static let moods: [(String, String, String, Bool)] = [
        ("at 10:01", "at 10:02", "at 10:07", true),
        (#"{"time": 12, "items": [1, 2]}"#, #"{"time": 13, "items": [1, 2]}"#, #"{"time": 99, "items": [1, 2]}"#, true),
        (#"{"time": 12, "items": [1, 2]}"#, #"{"time": 13, "items": [1, 2]}"#, #"{"time": 99, "items": [1]}"#, false),
        (
            #"{"time": 12, "items": [1, 2]}"#, #"{"time": 13, "items": [1, 2]}"#, #"{"time": 99, "items": [1, 3]}"#,
            false
        ),
        ("a b", "a b c", "d", true),
        ("a b", "a b c", "", false),
        ("", "a b c", "d", true),
        ("same", "same", "other", false),
    ]

    @Test("Words that vary between starts of the original are unstable, and the other words count", arguments: moods)
    func unstable(first: String, second: String, slim: String, passes: Bool) {
        let verification = Verification(
            record(answer(first)), record(answer(slim)), again: record(answer(second)))
        #expect(verification.passed == passes)
        #expect(verification.checks.map(\.unstable) == [passes ? ["body"] : []])
    }

    @Test("A status that differs is not excused by a body that changes")
    func statusCounts() {
        let verification = Verification(
            record(answer("1")), record(answer("2", status: 500)), again: record(answer("3")))
        #expect(verification.difference == "http:80/: status was '200', is '500'")
    }

    /// Statuses of the original at two starts and of the slim image, and true if the last passes.
    ///
    /// The image's probe passes for any status below 400.
    static let statuses: [(Int, Int, Int, Bool)] = [
        (200, 201, 201, true), (200, 201, 204, false), (200, 500, 404, false), (200, 500, 500, false),
        (200, 500, 200, true),
    ]

    @Test("An original that sometimes fails excuses no failure", arguments: statuses)
    func flaky(first: Int, second: Int, slim: Int, passes: Bool) {
        func said(_ status: Int) -> RunRecord { record(answer("a", status: status)) }
        #expect(Verification(said(first), said(slim), again: said(second)).passed == passes)
        let silent = record(ProbeRecord("http:80/", [("answer", .text("nothing came in time"))], passes: false))
        #expect(!Verification(said(first), silent, again: silent).passed)
    }

    @Test("A changed state is excused only if it is that of the original's second start", arguments: [0, 1, 11])
    func states(status: Int) {
        func said(_ state: String) -> RunRecord {
            record(ProbeRecord("the program afterwards", [("state", .text(state))], passes: true))
        }
        let verification = Verification(
            said("it runs"), said("it ended with status \(status)"), again: said("it ended with status 1"))
        #expect(verification.passed == (status == 1))
    }

    @Test("Without a probe nothing is proved")
    func vacuous() {
        let verification = Verification(record(), record())
        #expect(!verification.passed)
        #expect(verification.difference == "there was no probe")
    }

    @Test("An image that does not serve fails every probe, with the reason")
    func failure() {
        let verification = Verification(
            record(answer("1")), RunRecord(probes: [], failure: "it ended"))
        #expect(!verification.passed)
        #expect(verification.difference == "it ended")
        #expect(verification.json["probes"]?.array?.first?["passed"] == .bool(false))
    }

    /// A runner of images that are names; it returns a test's results, and counts.
    private final class ScriptedRunner: ImageRunner {
        private let lines: Mutex<[RunRecord]>
        init(_ lines: [RunRecord]) { self.lines = Mutex(lines) }
        var left: Int { lines.withLock { $0.count } }
        func run(_ image: String, recordsOpenedFiles: Bool) async throws -> RunRecord {
            lines.withLock { $0.removeFirst() }
        }
    }

    @Test("The original is started again only if both images serve and their results differ")
    func again() async throws {
        var (good, other) = (record(answer("1")), record(answer("2")))
        (good.engine, other.engine) = ("stage", "stage")
        let broken = RunRecord(probes: [], failure: "it ended")
        for (lines, left, passes) in [
            ([good, other], 1, true), ([broken, other], 1, false), ([other, good], 0, false),
            ([other, record(answer("3"))], 0, true),
        ] {
            let runner = ScriptedRunner(lines)
            let verification = try await Verification("slim", against: good, of: "original", by: runner)
            #expect(verification.passed == passes)
            #expect(runner.left == left)
            #expect(verification.engine == "stage")
        }
    }

    @Test("An original that fails its probe is no original to compare with")
    func notServing() async throws {
        let runner = ScriptedRunner([record(answer("x")), record(answer("x", status: 404))])
        #expect(try await runner.record(of: "original", recordsOpenedFiles: true) == record(answer("x")))
        await #expect(throws: ProofError.notServing("http:80/: status 404, 1 bytes")) {
            try await runner.record(of: "original", recordsOpenedFiles: true)
        }
    }

    @Test("An original that fails its probe has an objection")
    func objection() {
        #expect(record(answer("x")).failureReason == nil)
        #expect(record(answer("x", status: 404)).failureReason == "http:80/: status 404, 1 bytes")
        #expect(RunRecord(probes: [], failure: "it ended").failureReason == "it ended")
    }
}
