// The kernel inside a bzImage, and the cache of unpacked kernels.

internal import CKVM
internal import Glibc
internal import Linux
internal import SystemPackage

/// The payload of a bzImage.
struct CompressedKernel: Sendable {
    private let range: Range<UInt64>
    /// The name of the compression program.
    let format: String
    /// The unpacked size in bytes; the packer appended it to the payload.
    private let unpackedSize: UInt64

    /// True if we can unpack it.
    var isSupported: Bool { format == "lz4" }

    private static let formats: [(magic: [UInt8], name: String)] = [
        ([0x02, 0x21, 0x4c, 0x18], "lz4"), ([0x1f, 0x8b], "gzip"), ([0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "xz"), ([0x42, 0x5a, 0x68], "bzip2"), ([0x5d, 0, 0], "lzma"),
        ([0x89, 0x4c, 0x5a, 0x4f], "lzo"), ([0x04, 0x22, 0x4d, 0x18], "lz4"),
    ]

    static func format(of start: [UInt8]) -> String? { formats.first { start.starts(with: $0.magic) }?.name }

    init(_ header: SetupHeader, in file: borrowing KernelFile) throws(MachineError) {
        guard header.payload.count >= 8 else { throw .unbootableKernel("\(file.path) has no payload") }
        let start = try file.read(header.payload.lowerBound..<(header.payload.lowerBound + 8))
        format = Self.format(of: start) ?? "an unknown program"
        let end = header.payload.upperBound
        let size = try file.read((end - 4)..<end).number(UInt32.self, at: 0) ?? 0
        range = header.payload.lowerBound..<(end - 4)
        unpackedSize = UInt64(size)
        // A kernel unpacks itself within this memory, so it can't be larger; this bounds our allocation.
        guard !isSupported || unpackedSize <= header.memorySize else {
            throw .unbootableKernel(
                "\(file.path) declares an unpacked size of \(unpackedSize) bytes, more than its init_size")
        }
    }

    /// Unpacks the kernel into a file of its own: in the cache, or without a cache into an anonymous file.
    func unpack(
        _ file: borrowing KernelFile, cache: FilePath?, named name: String?
    ) throws(MachineError) -> KernelFile {
        guard let cache else { return try unpackIntoMemory(file) }
        let name = if let name { name } else { try Self.identity(of: file) }
        let kept = cache.appending("kernel-\(name).elf")
        if let found = validated(kept) {
            // The time of the last use, for `thaw prune`.
            let now = FileTime(seconds: Int64(Glibc.time(nil)))
            _ = try? Directory(cache).setModified(of: FilePath("kernel-\(name).elf"), now)
            return found
        }
        try keep(file, at: kept)
        return try KernelFile(opening: kept)
    }

    /// Returns the file of an earlier boot, if it is valid.
    private func validated(_ path: FilePath) -> KernelFile? {
        do throws(MachineError) {
            let file = try KernelFile(opening: path)
            guard file.byteCount == unpackedSize else { return nil }
            _ = try ELFKernel(file)
            return file
        } catch { return nil }
    }

    private func unpackIntoMemory(_ file: borrowing KernelFile) throws(MachineError) -> KernelFile {
        let memory = try Self.memoryFile()
        try unpack(file, into: memory)
        return try KernelFile(memory, file.path)
    }

    private static func memoryFile() throws(MachineError) -> OwnedDescriptor {
        do throws(SystemError) {
            return OwnedDescriptor(owning: try system("memfd_create") { ckvm_memory_file() })
        } catch { throw .host("unpack the kernel into memory", nil, error.errno) }
    }

    private func keep(_ file: borrowing KernelFile, at path: FilePath) throws(MachineError) {
        do throws {
            let name = FilePath(path.lastComponent?.string ?? "")
            try Directory.make(path.removingLastComponent()).replace(name) { try unpack(file, into: $0) }
        } catch let error as MachineError {
            throw error
        } catch let error as SystemError {
            throw .host("keep the unpacked kernel", path, error.errno)
        } catch { throw .host("keep the unpacked kernel", path, .ioError) }
    }

    /// Unpacks block by block, so that memory holds at most two blocks besides the packed kernel.
    private func unpack(_ file: borrowing KernelFile, into target: borrowing OwnedDescriptor) throws(MachineError) {
        let packed = try file.read(range)
        var blocks = LZ4Legacy(byteCount: Int(unpackedSize))
        var buffer = [UInt8](repeating: 0, count: min(LZ4Legacy.blockSize, Int(unpackedSize)))
        var offset: Int64 = 0
        while let count = try next(of: &blocks, in: packed, into: &buffer, path: file.path) {
            do throws(SystemError) {
                unsafe try target.writeSparsely(buffer.span.bytes.extracting(first: count), at: offset)
            } catch { throw .host("write the unpacked kernel", nil, error.errno) }
            offset += Int64(count)
        }
        do throws(SystemError) { try target.truncate(to: offset) } catch {
            throw .host("write the unpacked kernel", nil, error.errno)
        }
    }

    private func next(
        of blocks: inout LZ4Legacy, in packed: [UInt8], into buffer: inout [UInt8], path: FilePath
    ) throws(MachineError) -> Int? {
        do throws(LZ4Legacy.LZ4Fault) {
            var span = buffer.mutableSpan
            var bytes = unsafe span.mutableBytes
            return try unsafe blocks.next(packed.span.bytes, into: &bytes)
        } catch {
            let reason =
                switch error {
                case .notLZ4, .damaged: "cannot be unpacked: its LZ4 data is damaged"
                case .otherSize: "does not unpack to its declared size of \(unpackedSize) bytes"
                }
            throw .unbootableKernel("\(path) \(reason)")
        }
    }

    /// A cache name that no other file has, unless the machine's clock is set to cause a collision.
    private static func identity(of file: borrowing KernelFile) throws(MachineError) -> String {
        do throws(SystemError) {
            return try file.descriptor.status().identity
        } catch { throw .host("get the status of the kernel", file.path, error.errno) }
    }
}
