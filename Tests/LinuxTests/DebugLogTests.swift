import Testing

@testable import Linux

/// The form of debug events.
@Suite struct DebugLogTests {
    static let values: [(value: String, text: String)] = [
        ("GET", "GET"), ("/v2/app/manifests/1", "/v2/app/manifests/1"), ("", "\"\""), ("two words", "\"two words\""),
        ("a\"b\\c", #""a\"b\\c""#), ("one\ntwo", "\"one two\""), ("\u{1b}[31m", #""\\u{1b}[31m""#), ("ü", "\"ü\""),
    ]

    @Test("A value is one word or quoted, in one line, without controls of a terminal", arguments: values)
    func quotes(value: String, text: String) {
        #expect(DebugLog.quoted(value) == text)
    }

    @Test("A duration in milliseconds has one digit after the point")
    func milliseconds() {
        #expect(Duration.microseconds(3149).millisecondsText == "3.1")
        #expect(Duration.zero.millisecondsText == "0.0")
        #expect(Duration.seconds(61).millisecondsText == "61000.0")
    }

    @Test("Work on another thread has the id of the task that started it")
    func offloaded() async throws {
        let id = try await DebugLog.$id.withValue("1.2") { try await Offload.run { DebugLog.id } }
        #expect(id == "1.2")
    }
}
