import Testing

/// Tables of the kernel with one name and one number per line.
@Suite struct KernelStatisticsTests {
    @Test(
        "The number of a name is parsed, and is nil if the table lacks the name",
        arguments: [
            ("pgfault 7\noom_kill 3\nallocstall 1\n", 3), ("oom_kill 12", 12), ("oom_kill 0\n", 0), ("", nil),
            ("oom_kill_x 5\n", nil), ("oom_kill\n", nil),
        ] as [(String, UInt64?)])
    func number(table: String, expected: UInt64?) {
        #expect(statistic(Array("oom_kill".utf8), in: Array(table.utf8)) == expected)
    }
}
