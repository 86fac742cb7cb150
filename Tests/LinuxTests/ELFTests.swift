import Linux
import Support
import SystemPackage
import Testing

@Suite("ELF files") struct ELFTests {
    private static func text(_ list: [[UInt8]]) -> [String] { list.map { String(decoding: $0, as: UTF8.self) } }

    @Test(
        "All fields are read in both word sizes and byte orders",
        arguments: [(true, false), (true, true), (false, false), (false, true)])
    func readsFacts(is64: Bool, isBigEndian: Bool) throws {
        var maker = ELFMaker.program(needs: ["liba.so.1", "/opt/libb.so"], interpreter: "/lib/ld.so")
        (maker.is64, maker.isBigEndian, maker.machine) = (is64, isBigEndian, 183)
        (maker.soname, maker.rpath, maker.runpath) = ("libself.so", "/r:$ORIGIN", "/x")
        (maker.filter, maker.audit, maker.ignoresDefaultDirectories) = ("libf.so", "liba1.so:liba2.so", true)
        maker.dlopen = #"[{"soname":["libz.so.1"]}]"#
        let elf = try ELF(maker.bytes)
        #expect(elf.class == (is64 ? .bits64 : .bits32))
        #expect(elf.isBigEndian == isBigEndian)
        #expect(elf.machine == 183)
        #expect(elf.type == .shared)
        #expect(elf.entry == 0x1000)
        #expect(elf.segments.count == 4)
        #expect(elf.interpreter == Array("/lib/ld.so".utf8))
        #expect(Self.text(elf.needed) == ["liba.so.1", "/opt/libb.so"])
        #expect(elf.soname == Array("libself.so".utf8))
        #expect(Self.text(elf.rpath) == ["/r", "$ORIGIN"])
        #expect(Self.text(elf.runpath) == ["/x"])
        #expect(Self.text(elf.filters) == ["libf.so"])
        #expect(Self.text(elf.audits) == ["liba1.so", "liba2.so"])
        #expect(elf.ignoresDefaultDirectories)
        #expect(elf.notes.map(\.owner) == ["FDO"])
        #expect(elf.dlopenNotes == [Array(#"[{"soname":["libz.so.1"]}]"#.utf8) + [0]])
    }

    @Test("A name is found wherever it lies in a large segment", arguments: 0..<80)
    func findsTextsAcrossParts(distance: Int) throws {
        var maker = ELFMaker()
        let name = "libedge.so.1"
        maker.texts = [String(repeating: "x ", count: (1 << 19) - 400 + 6 * distance), "y", name, "z", "sub/\(name)"]
        #expect(Self.text(try ELF(maker.bytes).libraryTexts) == [name, "sub/\(name)"])
    }

    @Test(
        "A string in read-only data is a library's name if it looks like a file name",
        arguments: [
            ("libfoo.so", true), ("libfoo.so.1.2", true), ("/opt/plugins/x.so", true), ("sub/libfoo.so.6", true),
            ("foo.so", false),
            ("libfoo.so.d", false), ("libfoo%s.so", false), ("libfoo.sock", false), ("see libfoo.so", false),
            (".so", false),
            ("lib.so.", false),
        ])
    func findsTexts(text: String, isFound: Bool) throws {
        var maker = ELFMaker()
        maker.texts = ["noise", text, "noise.so-called"]
        #expect(Self.text(try ELF(maker.bytes).libraryTexts) == (isFound ? [text] : []))
    }

    @Test("The host's shell and C library have the same fields as in readelf")
    func readsHost() throws {
        let shell = try ELF(Directory("/").contents(of: "bin/sh", limit: 64 << 20))
        #expect(Self.text(shell.needed).contains("libc.so.6"))
        let loader = try #require(shell.interpreter)
        #expect(String(decoding: loader, as: UTF8.self).contains("ld-linux"))
        let library = try ELF(Directory("/").contents(of: FilePath("lib/x86_64-linux-gnu/libc.so.6"), limit: 64 << 20))
        #expect(library.soname == Array("libc.so.6".utf8))
        #expect(Self.text(library.libraryTexts).contains("libgcc_s.so.1"))
        #expect(library.notes.contains { $0.owner == "GNU" })
    }

    @Test("Files other than ELF are rejected with the reason")
    func refuses() {
        var bytes = ELFMaker.program(needs: ["liba.so"]).bytes
        #expect(throws: ELF.Fault.notELF) { try ELF([]) }
        #expect(throws: ELF.Fault.notELF) { try ELF(Array("#!/bin/sh\necho hello, world\n".utf8)) }
        bytes[4] = 9
        #expect(throws: ELF.Fault.unknownClass(9)) { try ELF(bytes) }
        bytes[4] = 2
        bytes[5] = 0
        #expect(throws: ELF.Fault.unknownByteOrder(0)) { try ELF(bytes) }
    }

    @Test("Every prefix of a file is read or rejected")
    func survivesTruncation() throws {
        var maker = ELFMaker.program(needs: ["liba.so.1"])
        maker.dlopen = "[]"
        let bytes = maker.bytes
        var accepted = 0
        for length in bytes.indices where (try? ELF(Array(bytes.prefix(length)))) != nil { accepted += 1 }
        #expect(accepted < bytes.count)
        #expect(try ELF(bytes).needed.count == 1)
    }

    @Test("A file with random damage is read or rejected", arguments: 0..<8)
    func survivesDamage(seed: UInt64) {
        var maker = ELFMaker.program(needs: ["liba.so.1", "libb.so.2"])
        (maker.is64, maker.isBigEndian) = (seed & 1 == 0, seed & 2 == 0)
        maker.dlopen = #"[{"soname":["libz.so.1"]}]"#
        maker.texts = ["libx.so.1"]
        var random = Random(seed)
        let whole = maker.bytes
        var outcomes = Set<Int>()
        for _ in 0..<1500 {
            var bytes = whole
            for _ in 0...random.next(below: 4) {
                bytes[random.next(below: bytes.count)] =
                    [0, 0xff, 0x7f, 0x80, UInt8(random.next(below: 256))][random.next(below: 5)]
            }
            outcomes.insert((try? ELF(bytes))?.needed.count ?? -1)
        }
        #expect(outcomes.count > 1)
    }
}

/// Pseudo-random numbers, equal for equal seeds (xorshift64*).
struct Random {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next(below limit: Int) -> Int {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return Int(truncatingIfNeeded: (state &* 0x2545_f491_4f6c_dd1d) >> 33) % limit
    }
}
