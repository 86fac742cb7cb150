import ColdStart
import Linux
import OCI
import Testing

@testable import Jobs

/// Comparisons of a start with a saved one.
@Suite struct StartBaselineTests {
    private static func baseline(_ measured: StartMeasurement) throws -> StartBaseline {
        let document = measured.document(digest: Digest(of: []), name: "app", console: nil)
        // The values that are read are those that were written.
        return try #require(StartBaseline(JSON(parsing: Array(document.text.utf8))))
    }

    private static func rules(_ before: StartMeasurement, _ now: StartMeasurement) throws -> [String] {
        try baseline(before).rules(for: now).map { "\($0.name) \($0.word)" }
    }

    @Test("Counted work is compared for each phase at 0.5 %, and waiting apart")
    func counted() throws {
        let before = try StartMeasurement.fakeEmulated([400], isCounted: true)
        func words(_ milliseconds: Double) throws -> [String] {
            try Self.rules(before, .fakeEmulated([milliseconds], isCounted: true))
        }
        #expect(try words(400) == ["baseline-work-firstByte holds", "baseline-waiting holds"])
        #expect(try words(402) == ["baseline-work-firstByte holds", "baseline-waiting holds"])
        #expect(try words(402.1) == ["baseline-work-firstByte broken", "baseline-waiting holds"])
        #expect(try words(300) == ["baseline-work-firstByte holds", "baseline-waiting holds"])
    }

    @Test("Measured time is compared by its verdict, and too few runs are inconclusive")
    func time() throws {
        let before = try StartMeasurement.fake([100, 101, 102, 103, 104, 105, 106])
        #expect(try Self.rules(before, .fake([150, 151, 152, 153, 154, 155, 156])) == ["baseline-time broken"])
        #expect(try Self.rules(before, .fake([50, 51, 52, 53, 54, 55, 56])) == ["baseline-time holds"])
        #expect(try Self.rules(before, .fake([150])) == ["baseline-time inconclusive"])
        let emulated = try StartMeasurement.fakeEmulated([100], isCounted: false)
        #expect(try Self.rules(emulated, emulated) == ["baseline-time inconclusive"])
    }

    @Test("Starts with different conditions are not compared, and the condition is named")
    func unlike() throws {
        var (before, now) = (try StartMeasurement.fake([1]), try StartMeasurement.fake([1]))
        before.fingerprint = Fingerprint(["memory": "512 MiB"])
        now.fingerprint = Fingerprint(["memory": "640 MiB"])
        let rules = try Self.baseline(before).rules(for: now)
        #expect(rules.map(\.name) == ["baseline"])
        #expect(
            rules.first?.summary
                == "the starts can't be compared, since they differ in memory: 512 MiB before, 640 MiB now")
        #expect(throws: ColdStartError.self) { try StartPair(before, now) }
    }

    @Test("A document of another kind is no baseline of a start")
    func other() throws {
        #expect(StartBaseline(.object(["kind": .string("gate")])) == nil)
        #expect(StartBaseline(.object(["kind": .string("boot")])) == nil)
    }
}
