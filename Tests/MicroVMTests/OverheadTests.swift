import Testing

@testable import MicroVM

@Suite struct OverheadTests {
    @Test("Anonymous memory counts, except mappings of the guest's memory")
    func sum() {
        let text = """
            1000-3000 rw-p 00000000 00:00 0
            Rss:                   8 kB
            Anonymous:             4 kB
            VmFlags: rd wr
            8000-9000 rw-p 00000000 00:00 0    [heap]
            Anonymous:            16 kB
            """
        #expect(MemoryOverhead.sum(of: text, except: []) == 20 << 10)
        #expect(MemoryOverhead.sum(of: text, except: [0x2000..<0x2001]) == 16 << 10)
        #expect(MemoryOverhead.sum(of: text, except: [0x3000..<0x8000]) == 20 << 10)
    }
}
