import Testing

/// The kernel's tables about threads.
@Suite struct ThreadStatusTests {
    @Test("A line of /proc/PID/stat has its fields behind the last parenthesis, whatever the name")
    func stat() throws {
        let numbers = (0..<45).map(String.init).joined(separator: " ")
        for name in ["python3", "a) b (c", ""] {
            let line = Array("7 (\(name)) S \(numbers)\n".utf8)
            let stat = try #require(ThreadStat(line))
            // The state is field 3, so that field 12 is the number 8 and field 22 is the number 18.
            #expect(stat.name == Array(name.utf8))
            #expect((stat.majorFaults, stat.started) == (8, 180_000_000))
        }
        for line in ["", "7 (a", "7 (a) S 1 2", ")("] { #expect(ThreadStat(Array(line.utf8)) == nil) }
    }

    @Test(
        "A program handles a signal if it catches it, or blocks it for sigwait",
        arguments: [
            ("SigBlk:\t0000000000000000\nSigIgn:\t0000000000004000\nSigCgt:\t0000000000000000\n", false),
            ("SigBlk:\t0000000000000000\nSigCgt:\t0000000180004a02\n", true),
            ("SigBlk:\t0000000000004000\nSigCgt:\t0000000000000000\n", true),
            ("SigCgt:\t0000000000002000\n", false), ("SigCgtX:\t0000000000004000\n", false), ("", false),
        ])
    func handled(status: String, expected: Bool) { #expect(isHandled(15, status: Array(status.utf8)) == expected) }
}
