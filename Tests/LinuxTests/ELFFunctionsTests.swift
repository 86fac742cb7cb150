import Glibc
import Linux
import SystemPackage
import Testing

/// The functions of ELF files.
@Suite struct ELFFunctionsTests {
    @Test("Functions are where the dynamic linker finds them", arguments: ["getpid", "qsort", "fopen", "setenv"])
    func names(name: String) throws {
        let address = UInt(bitPattern: unsafe dlsym(nil, name))
        let maps = String(decoding: try OwnedDescriptor("/proc/self/maps").readAll(limit: 1 << 20), as: UTF8.self)
        // "START-END RIGHTS OFFSET DEVICE INODE PATH"
        let fields = try #require(
            maps.split(separator: "\n").lazy.map { $0.split(separator: " ") }.first { fields in
                let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
                return ends[0] <= address && address < ends[1]
            })
        let start = try #require(UInt(fields[0].prefix { $0 != "-" }, radix: 16))
        let offset = try #require(UInt64(fields[2], radix: 16)) + UInt64(address - start)
        let functions = try ELFFunctions(OwnedDescriptor(FilePath(String(fields[5]))).readAll(limit: 64 << 20))
        let found = try #require(functions.name(atOffset: offset + 1))
        // A function may have several names.
        #expect(UInt(bitPattern: unsafe dlsym(nil, found)) == address, "\(found)")
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
