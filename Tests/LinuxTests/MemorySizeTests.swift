import Linux
import Testing

/// The text form of sizes of memory.
@Suite struct MemorySizeTests {
    @Test(
        "A size has the largest unit that needs no more than one decimal place",
        arguments: [
            (128 << 20, "128 MiB"), (1 << 30, "1 GiB"), (3 << 29, "1.5 GiB"), (1 << 10, "1 KiB"), (1_000, "1000 bytes"),
            (700_000_000, "700000000 bytes"), (0, "0 bytes"), ((1 << 20) + (1 << 10), "1025 KiB"),
            (Int64.max, "9223372036854775807 bytes"),
        ] as [(Int64, String)])
    func words(byteCount: Int64, expected: String) {
        #expect(MemorySize(byteCount).description == expected)
    }
}
