import Testing

@testable import MicroVM

@Suite struct GuestMemoryTests {
    @Test(
        "An access that is not wholly in memory is a fault",
        arguments: [(0x3000, 1), (0x2FFF, 2), (UInt64.max, 1), (0, 0x3001)])
    func outside(address: UInt64, count: Int) throws {
        let memory = try GuestMemory(byteCount: 0x3000)
        #expect(throws: GuestFault(address: address, byteCount: UInt64(count))) {
            try memory.bytes(at: address, count: count)
        }
        #expect(throws: GuestFault.self) { try memory.write([UInt8](repeating: 1, count: count), at: address) }
    }

    @Test("Numbers are little-endian at any address")
    func numbers() throws {
        let memory = try GuestMemory(byteCount: 0x1000)
        try memory.store(UInt32(0x0403_0201), at: 0x11)
        #expect(try memory.bytes(at: 0x10, count: 6) == [0, 1, 2, 3, 4, 0])
        #expect(try memory.load(UInt16.self, at: 0x12) == 0x0302)
    }

    @Test("An index at an odd address is a fault, because its access would not be atomic")
    func alignment() throws {
        let memory = try GuestMemory(byteCount: 0x1000)
        #expect(throws: GuestFault.self) { _ = try unsafe memory.pointer(to: 0x11, 2, alignment: 2) }
    }

    @Test("Memory is aligned for huge pages, independent of earlier mappings", arguments: 0..<4)
    func largePages(pagesBefore: Int) throws {
        let between = try GuestMemory(byteCount: UInt64(pagesBefore + 1) << 12)
        let memory = try GuestMemory(byteCount: (4 << 20) + 0x1000)
        let base = unsafe try memory.pointer(to: 0, 1)
        #expect(UInt(bitPattern: base).isMultiple(of: 2 << 20))
        try memory.write([1], at: (4 << 20) + 0xFFF)
        #expect(between.contains(0, count: 1))
    }

    @Test("A guest can't have more memory than the host")
    func room() throws {
        try GuestMemory.expectRoom(for: 64 << 20)
        #expect {
            try GuestMemory.expectRoom(for: 1 << 50)
        } throws: {
            "\($0)".hasPrefix("the guest's memory of 1073741824 MiB exceeds the host's of ")
        }
    }

    @Test("A hole of 1 GiB begins at 3 GiB")
    func hole() throws {
        let memory = try GuestMemory(byteCount: (3 << 30) + 0x1000)
        #expect(!memory.contains(3 << 30, count: 1))
        #expect(memory.contains(4 << 30, count: 0x1000))
        #expect(!memory.contains((3 << 30) - 1, count: 2))
    }
}
