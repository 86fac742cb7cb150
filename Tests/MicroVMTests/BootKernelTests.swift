import Harness
import Linux
import SystemPackage
import Testing

@testable import MicroVM

@Suite struct BootKernelTests {
    /// A kernel's file and a part of the error message that refuses it.
    struct Hostile: Sendable, CustomTestStringConvertible {
        let name: String
        let sentence: String
        let bytes: [UInt8]
        var testDescription: String { name }

        init(_ name: String, _ sentence: String, _ bytes: [UInt8]) {
            (self.name, self.sentence, self.bytes) = (name, sentence, bytes)
        }

        static func elf(_ name: String, _ sentence: String, _ change: (inout KernelMaker) -> Void) -> Hostile {
            var maker = KernelMaker()
            change(&maker)
            return Hostile(name, sentence, maker.bytes)
        }

        static func bzImage(_ name: String, _ sentence: String, _ change: (inout BzImageMaker) -> Void) -> Hostile {
            var maker = BzImageMaker(packing: KernelMaker().bytes)
            change(&maker)
            return Hostile(name, sentence, maker.bytes)
        }

        static func start(_ bytes: [UInt8], at offset: Int = 0) -> [UInt8] {
            var start = [UInt8](repeating: 0, count: 4096)
            start.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
            return start
        }
    }

    static let hostile: [Hostile] = [
        Hostile("nothing", "is empty", []),
        Hostile("text", "neither a vmlinux (ELF) nor a bzImage", Array("#!/bin/sh\n".utf8)),
        Hostile("zeros", "neither a vmlinux (ELF) nor a bzImage", [UInt8](repeating: 0, count: 70_000)),
        Hostile("gzip", "packed with gzip; unpack it first", [0x1f, 0x8b, 8, 0, 1, 2, 3]),
        Hostile("zstd", "packed with zstd; unpack it first", [0x28, 0xb5, 0x2f, 0xfd, 0]),
        Hostile("arm64", "for arm64, not for x86-64", Hostile.start(Array("ARMd".utf8), at: 0x38)),
        Hostile("ELF magic alone", "is not an ELF file", [0x7f, 0x45, 0x4c, 0x46]),
        Hostile("half a header", "outside the file", Array(KernelMaker().bytes[..<50])),
        Hostile("headers alone", "is not wholly in the file", Array(KernelMaker().bytes[..<1000])),
        .elf("arm64 ELF", "is for arm64, not for x86-64") { $0.machine = 183 },
        .elf("i386 ELF", "is for i386, not for x86-64") { $0.machine = 3 },
        .elf("a shared object", "is an ELF file but not an executable") { $0.fileType = 3 },
        .elf("no segments", "has no loadable segments") { $0.parts = [] },
        .elf("a note at no address", "its entry 0xfffffff0 is in no segment") { $0.pvhEntry = 0xffff_fff0 },
        .elf("an entry in zeroed memory", "its entry 0x102000 is in no segment") { $0.pvhEntry = 0x10_2000 },
        .elf("an entry outside", "its entry 0x123456789a is in no segment") {
            ($0.pvhEntry, $0.entry) = (nil, 0x12_3456_789a)
        },
        .elf("low memory", "its segment at 0x6000 overlaps the lowest MiB") { $0.parts[0].address = 0x6000 },
        .elf("overlap", "its segment at 0x101000 overlaps another one") { $0.parts[1].address = 0x10_1000 },
        .elf("overlap at the same place", "overlaps another one") { $0.parts[1].address = 0x10_0000 },
        .elf("beyond RAM", "does not end below 3 GiB") { $0.parts[1].address = 0x1_0000_0000 },
        .elf("wrapping", "does not end below 3 GiB") { $0.parts[1].address = .max - 2 },
        .elf("huge", "does not end below 3 GiB") { $0.parts[1].memorySize = .max },
        .elf("outside its file", "is not wholly in the file") { $0.parts[1].offset = 1 << 40 },
        .elf("wrapping in its file", "is not wholly in the file") { $0.parts[1].offset = .max - 1 },
        .elf("larger in the file", "is larger in the file than in memory") { $0.parts[1].fileSize = 6 },
        .bzImage("an old protocol", "it has boot protocol 2.11") { $0.version = 0x20b },
        .bzImage("a 32-bit kernel", "it is not a 64-bit kernel") { $0.extendedLoadFlags = 0 },
        .bzImage("a zImage", "it is not a 64-bit kernel") { $0.loadFlags = 0 },
        .bzImage("a kernel that stays", "cannot be relocated") { $0.isRelocatable = 0 },
        .bzImage("an address in the hole", "requires address 0xd0000000") { $0.address = 0xd000_0000 },
        .bzImage("an address that wraps", "requires address 0xffffffffffffffff") { $0.address = .max },
        .bzImage("all the memory there is", "and 4294967295 bytes") { $0.memorySize = .max },
        .bzImage("no memory", "and 0 bytes") { $0.memorySize = 0 },
        .bzImage("a payload outside", "has a payload outside the file") { $0.payloadOffset = .max },
        .bzImage("a payload too long", "has a payload outside the file") { $0.payloadSize = .max },
        .bzImage("no payload", "has no payload") { $0.payloadSize = 3 },
        .bzImage("damage", "its LZ4 data is damaged") { $0.payload[7] = 0xff },
        .bzImage("no kernel inside", "is not an ELF file") {
            $0 = BzImageMaker(packing: [UInt8](repeating: 0, count: 100))
        },
        .bzImage("another size", "does not unpack to its declared size of 1000 bytes") {
            $0 = BzImageMaker(packing: KernelMaker().bytes, saying: 1000)
        },
        .bzImage("a huge declared size", "more than its init_size") {
            $0 = BzImageMaker(packing: KernelMaker().bytes, saying: 0xffff_ffff)
        },
        Hostile("half a bzImage", "is truncated", Array(BzImageMaker(packing: KernelMaker().bytes).bytes[..<9000])),
        Hostile("a setup header alone", "within the setup header", Array(BzImageMaker(payload: []).bytes[..<0x230])),
    ]

    @Test("An unbootable kernel is refused with one sentence", arguments: hostile)
    func refuse(kernel: Hostile) throws {
        let scratch = try TemporaryDirectory()
        let path = try scratch.write("kernel", kernel.bytes)
        do {
            let image = try KernelImage(opening: path, cache: scratch.path)
            Issue.record("\(image.entry) was found")
        } catch {
            guard case .unbootableKernel = error else { throw error }
            #expect(error.description.contains(kernel.sentence), "\(error)")
            #expect(!error.description.contains("\n"))
        }
    }

    @Test("A path that is not a regular file is refused", arguments: ["/dev/null", "/tmp", "/proc/self/fd"])
    func noFile(path: String) {
        #expect(throws: MachineError.unbootableKernel("\(path) is not a regular file")) {
            try KernelImage(opening: FilePath(path))
        }
    }

    @Test("A missing kernel is named")
    func missing() {
        #expect(throws: MachineError.host("open the kernel", "/nowhere/vmlinux", .noSuchFileOrDirectory)) {
            try KernelImage(opening: "/nowhere/vmlinux")
        }
    }

    @Test("Segments are loaded to their addresses, with zeros behind them", arguments: [true, false])
    func load(isPacked: Bool) throws {
        let scratch = try TemporaryDirectory()
        let maker = KernelMaker()
        let path = try scratch.write("kernel", isPacked ? BzImageMaker(packing: maker.bytes).bytes : maker.bytes)
        let image = try KernelImage(opening: path, cache: isPacked ? scratch.path : nil)
        #expect(image.entry == .pvh(0x10_0020))
        #expect(image.range == 0x10_0000..<0x20_0128)
        let memory = try GuestMemory(byteCount: 4 << 20)
        try image.load(into: memory)
        for part in maker.parts {
            let zeros = [UInt8](repeating: 0, count: Int(part.memorySize) - part.content.count)
            #expect(try memory.bytes(at: part.address, count: Int(part.memorySize)) == part.content + zeros)
        }
        #expect(try memory.bytes(at: 0x10_0000 + 9000, count: 20_000).allSatisfy { $0 == 0 })
        // A guest's writes don't change the kernel's file.
        try memory.write([9, 9, 9], at: 0x10_0000)
        let second = try GuestMemory(byteCount: 4 << 20)
        try KernelImage(opening: path, cache: isPacked ? scratch.path : nil).load(into: second)
        #expect(try second.bytes(at: 0x10_0000, count: 3) == Array(maker.parts[0].content[..<3]))
    }

    @Test("An unpacked kernel is cached, and unpacked again if the cached file is damaged")
    func cache() throws {
        let scratch = try TemporaryDirectory()
        let path = try scratch.write("kernel", BzImageMaker(packing: KernelMaker().bytes).bytes)
        let cache = scratch.path.appending("cache")
        _ = try KernelImage(opening: path, cache: cache, named: "one")
        let kept = FilePath("cache/kernel-one.elf")
        #expect(try scratch.read(kept.string) == KernelMaker().bytes)
        let number = try Directory(scratch.path).status(of: kept).inode
        _ = try KernelImage(opening: path, cache: cache, named: "one")
        #expect(try Directory(scratch.path).status(of: kept).inode == number)
        for damage in [[], [UInt8](repeating: 0, count: KernelMaker().bytes.count)] {
            try Directory(cache).replace("kernel-one.elf", with: damage)
            #expect(try KernelImage(opening: path, cache: cache, named: "one").entry == .pvh(0x10_0020))
            #expect(try scratch.read(kept.string) == KernelMaker().bytes)
        }
        _ = try KernelImage(opening: path, cache: cache)
        #expect(try Directory(cache).entries().count == 2)
    }

    @Test(
        "A kernel in another compression format unpacks itself",
        arguments: [
            ([0x1f, 0x8b], "gzip"), ([0x28, 0xb5, 0x2f, 0xfd], "zstd"), ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "xz"),
            ([7, 7], "an unknown program"),
        ] as [([UInt8], String)])
    func otherPacker(magic: [UInt8], name: String) throws {
        let scratch = try TemporaryDirectory()
        let maker = BzImageMaker(payload: magic + [UInt8](repeating: 1, count: 100))
        let image = try KernelImage(opening: scratch.write("kernel", maker.bytes), cache: scratch.path)
        #expect(image.entry == .bzImage64(0x100_0000))
        #expect(image.remark?.contains("is packed with \(name): it unpacks itself") == true)
        let memory = try GuestMemory(byteCount: 32 << 20)
        try image.load(into: memory)
        #expect(try memory.bytes(at: 0x100_0000, count: maker.bytes.count - 1024) == Array(maker.bytes[1024...]))
    }

    @Test("Opening and loading a damaged kernel succeeds or fails with an error, and never traps")
    func damage() throws {
        let scratch = try TemporaryDirectory()
        let memory = try GuestMemory(byteCount: 32 << 20)
        var random = SystemRandomNumberGenerator()
        for original in [KernelMaker().bytes, BzImageMaker(packing: KernelMaker().bytes).bytes] {
            var opened = 0
            for _ in 0..<400 {
                var bytes = original
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    let place = Int.random(in: 0..<(Bool.random(using: &random) ? 700 : bytes.count), using: &random)
                    bytes[place] =
                        [0, 1, 0x7f, 0x80, 0xff, .random(in: 0 ... .max, using: &random)].randomElement() ?? 0
                }
                if Int.random(in: 0..<8, using: &random) == 0 { bytes.removeLast(.random(in: 1...bytes.count)) }
                let path = try scratch.write("kernel", bytes)
                do throws(MachineError) {
                    try KernelImage(opening: path).load(into: memory)
                    opened += 1
                } catch { #expect(!error.description.contains("\n")) }
            }
            #expect(opened > 0)
        }
    }
}
