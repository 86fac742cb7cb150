import Guest
import Testing

@testable import ColdStart

@Suite("Run records")
struct InterviewRecordTests {
    private static let interview = Interview(
        probes: [.log("ready"), .http(port: 80, path: "/"), .tcp(port: 81)], commands: [["true"]], observes: true)

    @Test("Probes go to init, patterns stay on the host, and the first probe for init shows that the program serves")
    func plan() throws {
        let interview = Self.interview
        #expect(interview.readiness == .http(port: 80, path: "/"))
        #expect(interview.asked.map(\.place) == [1, 2, 3])
        #expect(interview.asked.map(\.mustPass) == [true, true, false])
        #expect(interview.patterns.map(\.place) == [0])
        var scenario = Scenario(arguments: ["x"], probe: .tcp(port: 1), timeout: .seconds(2))
        scenario.interview = interview
        #expect(scenario.patience == .seconds(8))
        let orders = Orders(scenario, in: .machine, channel: "c")
        #expect(orders.probe == .http(port: 80, path: [0x2F]))
        #expect(orders.questions.count == 3 && orders.lingers && orders.observes)
        #expect(!Orders(scenario, in: .container, channel: "c").observes)
        scenario.interview = Interview(probes: [], commands: [["true"]])
        #expect(Orders(scenario, in: .machine, channel: "c").probe == .none)
        scenario.interview = Interview(probes: [])
        #expect(throws: ColdStartError.impossibleScenario("an interview needs a probe or a command")) {
            try scenario.validate()
        }
    }

    @Test("Probe events are assembled to results, and the record is complete with the last one")
    func assembles() {
        var record = InterviewRecord(Self.interview)
        let digest = [UInt8](repeating: 9, count: 32)
        record.receive(.piece(question: 0, .head, Array("HTTP/1.1 200\n".utf8)))
        for piece in ["ab", "cd"] { record.receive(.piece(question: 0, .body, Array(piece.utf8))) }
        record.receive(.whole(question: 0, .body, byteCount: 4, digest: digest))
        record.receive(.settled(question: 0, .answered(.http(status: 200, byteCount: 4))))
        record.receive(.settled(question: 0, .silent))
        record.receive(.settled(question: 1, .answered(.refused)))
        record.receive(.settled(question: 2, .unstarted(2)))
        record.receive(.listening([443, 80, 443]))
        for path in ["/b", "/a", "/b"] { record.receive(.opened(Array(path.utf8))) }
        #expect(!record.isComplete)
        record.receiveOutput(Array("it is rea".utf8))
        record.receiveOutput(Array("dy\n".utf8))
        #expect(record.isComplete)
        let hearing = record.hearing(.signal(11))
        #expect(
            hearing.answers.map(\.outcome) == [
                .matched, .http(status: 200), .refused,
                .unstarted(reason: "it or its interpreter does not exist"),
            ])
        #expect(hearing.answers.map(\.passes) == [true, true, false, false])
        #expect(hearing.answers[1].body == Heard.Content(beginning: Array("abcd".utf8), byteCount: 4, digest: digest))
        #expect(hearing.ports == [80, 443])
        #expect(hearing.ending == "was killed by signal 11")
        #expect(hearing.observation == .paths([Array("/a".utf8), Array("/b".utf8)], isComplete: true))
    }

    @Test("A guest that sends too much, or events of unknown probes, costs no memory")
    func bounded() {
        var record = InterviewRecord(Self.interview)
        let piece = [UInt8](repeating: 0x41, count: Told.pieceLimit)
        for part in Told.Part.allCases {
            for _ in 0..<50 { record.receive(.piece(question: 2, part, piece)) }
        }
        record.receive(.piece(question: .max, .body, piece))
        record.receive(.settled(question: 3, .silent))
        for number in 0..<70_000 { record.receive(.opened(Array("/\(number)".utf8))) }
        record.receive(.listening([UInt16](repeating: 1, count: 9_000)))
        let hearing = record.hearing(nil)
        #expect(hearing.answers.count == 4)
        #expect(hearing.answers[3].head.count == 32_768)
        #expect(hearing.answers[3].body?.beginning.count == Told.beginningLimit)
        #expect(hearing.answers[3].errors?.beginning.count == Told.beginningLimit)
        #expect(hearing.ports == [1])
        guard case .paths(let paths, let isComplete) = hearing.observation else {
            Issue.record("nothing was observed")
            return
        }
        #expect(paths.count == 65_536 && !isComplete)
        #expect(!record.isComplete)
    }
}
