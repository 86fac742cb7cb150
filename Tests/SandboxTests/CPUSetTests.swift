import Testing

@testable import Sandbox

/// Sets of CPUs.
@Suite struct CPUSetTests {
    @Test(
        "The kernel's list format is read and written",
        arguments: [
            ("0", "0"), ("0-3,5", "0-3,5"), ("5,3,4", "3-5"), ("1,1,0-1", "0-1"), ("8191", "8191"), ("7-7", "7"),
            ("", nil), (",", nil), ("1,", nil), ("3-1", nil), ("-1", nil), ("1-", nil), ("1-2-3", nil), ("a", nil),
            ("8192", nil), ("0-99999999999999999999", nil), (" 1", nil), ("+1", nil),
        ] as [(String, String?)])
    func format(text: String, expected: String?) {
        #expect(CPUSet(text)?.description == expected)
    }

    @Test("The mask has 64-bit words with the low half first")
    func mask() {
        #expect(CPUSet("0,2")?.mask == [5, 0])
        #expect(CPUSet("31-33")?.mask == [1 << 31, 3])
        #expect(CPUSet("64")?.mask == [0, 0, 1, 0])
    }

    @Test("Choosing returns that many CPUs of the set, or nil if it has fewer", arguments: [1, 2, 3])
    func choice(count: Int) throws {
        let set = try #require(CPUSet("1,4,9"))
        for _ in 0..<20 {
            let chosen = try #require(set.choosing(count))
            #expect(chosen.numbers.count == count && set.contains(chosen))
        }
        #expect(set.choosing(4) == nil)
        #expect(set.choosing(0) == nil)
    }

    @Test("The allowed CPUs are read from the kernel's text")
    func allowed() throws {
        let text = "Name:\tx\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\nMems_allowed_list:\t0\n"
        #expect(CPUSet.allowed(inStatus: text)?.description == "0-1")
        #expect(CPUSet.allowed(inStatus: "Name:\tx\n") == nil)
        #expect(try !CPUSet.allowed().numbers.isEmpty)
    }

    @Test("A fraction of a CPU becomes a time limit, and the command sees whole CPUs")
    func parts() throws {
        let set = try #require(CPUSet("0-3"))
        var limits = CPULimits()
        let isLimited = limits.limit(to: 1.5, of: set)
        #expect(isLimited)
        #expect(limits.quota == 150_000 && limits.visible?.numbers.count == 2)
        let isLimitedToPart = limits.limit(to: 0.01, of: set)
        #expect(isLimitedToPart)
        #expect(limits.quota == 1_000 && limits.visible?.numbers.count == 1)
        let isLimitedToAll = limits.limit(to: 4.5, of: set)
        #expect(!isLimitedToAll)
    }

    @Test(
        "Shares become weights as in the OCI runtimes", arguments: [(2, 1), (512, 20), (1024, 39), (262_144, 10_000)])
    func weight(shares: Int, weight: Int) {
        #expect(CPULimits.weight(shares: shares) == weight)
    }
}
