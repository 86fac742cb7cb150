import Testing

/// The kernel's count of processes killed for lack of memory.
@Suite struct KillCountTests {
    @Test(
        "The count is parsed, and is 0 if there is none",
        arguments: [
            ("pgfault 7\noom_kill 3\nallocstall 1\n", 3), ("oom_kill 12", 12), ("oom_kill 0\n", 0), ("", 0),
            ("oom_kill_x 5\n", 0), ("oom_kill\n", 0),
        ] as [(String, UInt64)])
    func count(table: String, expected: UInt64) {
        #expect(killCount(inStatistics: Array(table.utf8)) == expected)
    }
}
