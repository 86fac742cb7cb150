import Linux
import Probe
import Proof
import Testing

/// Makes the record of a start that ran on for a while.
private func run(_ stdout: String, _ stderr: String = "", processes: [String] = ["sh"]) -> RunRecord {
    var results = ProbeResults(results: [ProbeResult(.http(status: 200, byteCount: 0))])
    results.processes = processes
    results.output = StreamDigest(prefix: Array(stdout.utf8), byteCount: UInt64(stdout.utf8.count))
    results.errors = StreamDigest(prefix: Array(stderr.utf8), byteCount: UInt64(stderr.utf8.count))
    return RunRecord(results, of: ProbeSet(probes: [.http(port: 80, path: "/")]), on: "container")
}

@Suite("The output and the processes of a start") struct OutputTests {
    /// Outputs of the original and of the slim image, and the first difference; nil if there is none.
    static let outputs: [(String, String, String?)] = [
        ("tick 2026\n", "tick 2027\ntick 2028\n", nil),
        ("tick 2026\n", "tick \n", "the program's output: stdout was 'tick #', is missing"),
        ("a\nb\n", "b\na\na\n", nil),
        ("a\n", "a\ncut off at the en", nil),
        ("a\n", "a\nfail\n", "the program's output: stdout was missing, is 'fail'"),
    ]

    @Test("Lines count without their numbers, their order and the last unfinished one", arguments: outputs)
    func lines(before: String, after: String, difference: String?) {
        #expect(Verification(run(before), run(after)).difference == difference)
    }

    @Test("child-output: A child's error on stderr is a difference")
    func errors() {
        let difference = Verification(run("a\n"), run("a\n", "sh: 1: date: not found\n")).difference
        #expect(difference == "the program's output: stderr was missing, is 'sh: #: date: not found'")
    }

    @Test("supervisor: A process that no longer lives is a difference")
    func processes() {
        let difference = Verification(run("", processes: ["nginx", "perl"]), run("", processes: ["nginx"])).difference
        #expect(difference == "the program afterwards: processes was 'perl', is missing")
    }

    @Test("What comes by chance in starts of either image is no difference")
    func chance() {
        let (calm, noisy) = (run("a\n"), run("a\nrare\n", processes: ["date", "sh"]))
        #expect(!Verification(noisy, calm).passed)
        let excused = Verification(noisy, calm, again: calm)
        #expect(excused.passed)
        #expect(excused.checks.flatMap(\.unstable) == ["processes", "stdout"])
        #expect(!Verification(calm, noisy, again: calm).passed)
        #expect(Verification(calm, noisy, again: calm, afterAgain: calm).passed)
        #expect(!Verification(calm, noisy, again: calm, afterAgain: noisy).passed)
    }

    @Test("An output that is too long to be known is not compared, and without a settle time nothing is")
    func unknown() {
        var results = ProbeResults(results: [])
        results.processes = []
        results.output = StreamDigest(prefix: [0x61, 0x0A], byteCount: 1 << 20)
        let long = RunRecord(results, of: ProbeSet(probes: []), on: "container")
        #expect(long.probes.map(\.probe) == ["the program's output"])
        var other = long
        other.probes = Array(run("b\n").probes.suffix(1))
        #expect(Verification(long, other).checks.map(\.differences) == [[]])
        results.processes = nil
        #expect(RunRecord(results, of: ProbeSet(probes: []), on: "container").probes.isEmpty)
    }
}
