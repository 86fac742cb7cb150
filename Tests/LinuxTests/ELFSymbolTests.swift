import Linux
import Support
import Synchronization
import Testing

@Suite("Names in ELF files") struct ELFSymbolTests {
    private func text(_ list: [[UInt8]]) -> [String] { list.map { String(decoding: $0, as: UTF8.self) } }

    @Test("The known functions among the dynamic symbols are found, and texts only where they may be used")
    func symbols() throws {
        var maker = ELFMaker.program(needs: ["libc.so.6"])
        (maker.symbols, maker.texts) = (
            ["popen", "popenx", "read", "iconv_open"], ["ls -l", "EUC-JP", "%d", "x\u{1}y"]
        )
        let elf = try ELF(maker.bytes)
        #expect(elf.symbols == [.popen, .iconvOpen])
        #expect(text(elf.commandTexts).filter { !$0.hasPrefix("/") } == ["ls -l", "EUC-JP"])
        maker.symbols = ["read"]
        #expect(try ELF(maker.bytes).commandTexts == [])
        maker.symbols = ["popen", "perl_parse"]
        #expect(try ELF(maker.bytes).commandTexts == [])
    }

    /// An ELF file whose rest is a hole, and the largest part of it that was read at once.
    private final class LargeFile: ELFSource {
        let start: [UInt8]
        let byteCount: UInt64
        private let largest = Mutex(0)
        init(_ start: [UInt8], byteCount: UInt64) { (self.start, self.byteCount) = (start, byteCount) }
        var largestRead: Int { largest.withLock { $0 } }
        func bytes(at offset: UInt64, count: Int) -> [UInt8] {
            largest.withLock { $0 = max($0, count) }
            return (offset..<offset + UInt64(count)).map { $0 < UInt64(start.count) ? start[Int($0)] : 0 }
        }
    }

    @Test("big-elf: A file of several GiB is read in small parts", arguments: [726 << 20, 5 << 30] as [UInt64])
    func large(byteCount: UInt64) throws {
        var maker = ELFMaker.program(needs: ["liba.so.1"])
        maker.symbols = ["system"]
        let file = LargeFile(maker.bytes, byteCount: byteCount)
        let elf = try ELF(reading: file)
        #expect(text(elf.needed) == ["liba.so.1"])
        #expect(elf.symbols == [.system])
        #expect(file.largestRead <= 2 << 20)
    }
}
