import Harness
import SystemPackage
import Testing

@testable import MicroVM

@Suite(.enabled(if: DebianKernel.path != nil, "no linux-image-cloud-amd64 on this machine"))
struct BootDebianTests {
    private let scratch: TemporaryDirectory
    private let kernel: KernelImage
    private let kept = "kernel-debian.elf"

    init() throws {
        scratch = try TemporaryDirectory()
        kernel = try KernelImage(opening: try #require(DebianKernel.path), cache: scratch.path, named: "debian")
    }

    @Test("Debian's kernel is unpacked to the same bytes as by lz4")
    func unpack() throws {
        let path = try #require(DebianKernel.path)
        let file = try KernelFile(opening: path)
        let payload = try SetupHeader(start: file.start, fileSize: file.byteCount).payload
        _ = try scratch.write("packed", file.read(payload.lowerBound..<(payload.upperBound - 4)))
        try Program.shell("lz4 -q -d packed reference && cmp reference \(kept)", in: scratch.path.string)
    }

    @Test("The entry of Debian's kernel matches its note in readelf")
    func note() throws {
        let notes = try Program.shell("readelf -nW \(kept) | grep 'Xen.*0x00000012'", in: scratch.path.string)
        let bytes = try #require(notes.split(separator: "description data: ").last).split(separator: " ").prefix(4)
        let address = try #require(UInt64(bytes.reversed().joined(), radix: 16))
        #expect(kernel.entry == .pvh(address))
        #expect(kernel.commandLineLimit == 2047)
    }

    @Test("Debian's kernel is loaded as readelf lists its segments")
    func segments() throws {
        let list = try Program.shell("readelf -lW \(kept) | grep ' LOAD '", in: scratch.path.string)
        let file = try scratch.read(kept)
        let memory = try GuestMemory(byteCount: 128 << 20)
        try kernel.load(into: memory)
        var count = 0
        for line in list.split(separator: "\n") {
            let numbers = line.split(separator: " ").filter { $0.hasPrefix("0x") }.compactMap {
                UInt64($0.dropFirst(2), radix: 16)
            }
            let (offset, address, fileSize, memorySize) = (numbers[0], numbers[2], numbers[3], numbers[4])
            let loaded = try memory.bytes(at: address, count: Int(memorySize))
            #expect(loaded[..<Int(fileSize)] == file[Int(offset)..<Int(offset + fileSize)])
            #expect(loaded[Int(fileSize)...].allSatisfy { $0 == 0 })
            count += 1
        }
        #expect(count == 4)
    }
}
