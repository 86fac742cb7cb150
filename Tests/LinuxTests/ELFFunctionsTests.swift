import Harness
import SystemPackage
import Testing

@testable import Linux

/// The functions of ELF files.
@Suite struct ELFFunctionsTests {
    @Test(
        "Functions have the names that nm gives them", .enabled(if: Program.exists("nm"), "binutils is not installed"))
    func names() throws {
        let path = "/lib/x86_64-linux-gnu/libc.so.6"
        let functions = try ELFFunctions(OwnedDescriptor(FilePath(path)).readAll(limit: 64 << 20))
        // An address is an offset in a shared library whose code begins where it is in the file.
        let lines = try Program.shell(
            "nm -D --defined-only -S \(path) | grep -E ' [TW] (read|write|open|getpid|qsort)@@'", in: "/")
        let rows = lines.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(rows.count >= 4)
        for row in rows {
            let (start, size) = (try #require(UInt64(row[0], radix: 16)), try #require(UInt64(row[1], radix: 16)))
            let name = try #require(functions.name(atOffset: start + size / 2))
            #expect(lines.contains(" \(name)@@"), "\(row): \(name)")
        }
    }

    @Test("A file without sections, a cut one and random bytes have no functions, or are refused")
    func hostile() throws {
        let whole = try OwnedDescriptor("/bin/true").readAll(limit: 1 << 20)
        #expect(try ELFFunctions(whole).name(atOffset: .max) == nil)
        for length in stride(from: 0, to: whole.count, by: 997) {
            let functions = try? ELFFunctions(Array(whole[..<length]))
            #expect(functions?.name(atOffset: UInt64(length)) == nil)
        }
        for seed in UInt64(0)..<200 {
            var bytes = whole
            var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
            for _ in 0..<40 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 25)
            }
            _ = try? ELFFunctions(bytes).name(atOffset: state % UInt64(bytes.count))
        }
    }
}
