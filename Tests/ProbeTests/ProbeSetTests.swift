import Probe
import Testing

@Suite("Sets of probes")
struct ProbeSetTests {
    private static let set = ProbeSet(
        probes: [.log("ready"), .http(port: 80, path: "/"), .tcp(port: 81)], commands: [.exec(["true"])])

    @Test("Init tries all but the patterns, in order, and only probes must pass")
    func tried() {
        #expect(Self.set.triedPlaces == [1, 2, 3])
        #expect(
            Self.set.specs(timeoutMilliseconds: 9) == [
                ProbeSpec(.http(port: 80, path: "/"), mustPass: true, timeoutMilliseconds: 9),
                ProbeSpec(.tcp(port: 81), mustPass: true, timeoutMilliseconds: 9),
                ProbeSpec(.exec(["true"]), mustPass: false, timeoutMilliseconds: 9),
            ])
    }

    @Test("The first probe that is no pattern shows that the program serves; a command doesn't")
    func readiness() {
        #expect(Self.set.readinessProbe == .http(port: 80, path: "/"))
        #expect(ProbeSet(probes: [.log("x")], commands: [.exec(["true"])]).readinessProbe == nil)
    }

    /// An outcome, true if it passes a probe, true if a command may have it.
    static let outcomes: [(ProbeResult.Outcome, Bool, Bool)] = [
        (.http(status: 199, byteCount: 0), false, false), (.http(status: 200, byteCount: 0), true, false),
        (.http(status: 399, byteCount: 0), true, false), (.http(status: 400, byteCount: 0), false, false),
        (.connected, true, false), (.matched, true, false), (.refused, false, false), (.broken, false, false),
        (.timedOut, false, false), (.notStarted(2), false, false), (.ended(.status(0)), true, true),
        (.ended(.status(1)), false, true), (.ended(.signal(9)), false, true),
    ]

    @Test("A probe must pass, and a command must end", arguments: outcomes)
    func accepts(outcome: ProbeResult.Outcome, asProbe: Bool, asCommand: Bool) {
        #expect(Self.set.accepts(ProbeResult(outcome), at: 2) == asProbe)
        #expect(Self.set.accepts(ProbeResult(outcome), at: 3) == asCommand)
    }
}

@Suite("Results in words")
struct ProbeWordsTests {
    @Test("Only opened files that are not completely known have a warning")
    func warning() {
        let path = Array("/a".utf8)
        #expect(OpenedFiles.notRecorded.warning == nil)
        #expect(OpenedFiles.recorded([path], isComplete: true).warning == nil)
        #expect(OpenedFiles.recorded([path], isComplete: false).warning?.contains("--include") == true)
        #expect(
            OpenedFiles.unavailable(reason: "no").warning
                == "the files that the program opens are not observed: no")
        #expect(OpenedFiles.recorded([path], isComplete: false).paths == [path])
        #expect(OpenedFiles.unavailable(reason: "no").paths == [])
    }

    @Test("An errno is described for a program")
    func errnos() {
        let words = [0, 2, 13, 8, 7, UInt32.max].map { programFailureWords(errno: $0) }
        #expect(
            words == [
                "it does not exist", "it or its interpreter does not exist", "it is not executable for this user",
                "it is not a program for this machine", "Argument list too long", "it does not exist",
            ])
    }

    @Test("The end of a process follows its name")
    func ends() {
        #expect(ProbeResult.ProcessEnd.status(3).words == "ended with status 3")
        #expect(ProbeResult.ProcessEnd.signal(9).words == "was killed by signal 9")
    }
}
