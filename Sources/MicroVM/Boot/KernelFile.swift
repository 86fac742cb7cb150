// A kernel's file for the loader: open, regular, of known size, with its first bytes read.

internal import Linux
internal import SystemPackage

/// An open file with its first bytes in memory.
struct KernelFile: ~Copyable, Sendable {
    let path: FilePath
    let descriptor: OwnedDescriptor
    let byteCount: UInt64
    /// The first 64 KiB; a kernel has all its headers there.
    let start: [UInt8]

    /// Opens a file without blocking, also if it is a FIFO or a device.
    init(opening path: FilePath) throws(MachineError) {
        let descriptor: OwnedDescriptor
        do throws(SystemError) { descriptor = try OwnedDescriptor(path, [.read, .nonBlocking]) } catch {
            throw .host("open the kernel", path, error.errno)
        }
        try self.init(descriptor, path)
    }

    /// Takes over an open file.
    init(_ descriptor: consuming OwnedDescriptor, _ path: FilePath) throws(MachineError) {
        let (status, start) = try Self.readStart(at: descriptor, path)
        guard status.type == .regular else { throw .unbootableKernel("\(path) is not a regular file") }
        self.init(path: path, descriptor: descriptor, byteCount: UInt64(max(0, status.size)), start: start)
    }

    private init(path: FilePath, descriptor: consuming OwnedDescriptor, byteCount: UInt64, start: [UInt8]) {
        self.path = path
        self.descriptor = descriptor
        self.byteCount = byteCount
        self.start = start
    }

    private static func readStart(
        at descriptor: borrowing OwnedDescriptor, _ path: FilePath
    ) throws(MachineError) -> (FileStatus, [UInt8]) {
        do throws(SystemError) {
            let status = try descriptor.status()
            return (status, status.type == .regular ? try descriptor.read(1 << 16, at: 0) : [])
        } catch { throw .host("read the kernel", path, error.errno) }
    }

    /// Reads a part of the file.
    func read(_ range: Range<UInt64>) throws(MachineError) -> [UInt8] {
        guard range.upperBound <= byteCount else { throw .unbootableKernel("\(path) is truncated") }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        while bytes.count < range.count {
            let rest: [UInt8]
            do throws(SystemError) {
                rest = try descriptor.read(range.count - bytes.count, at: Int64(range.lowerBound) + Int64(bytes.count))
            } catch { throw .host("read the kernel", path, error.errno) }
            guard !rest.isEmpty else { throw .unbootableKernel("\(path) became shorter while it was read") }
            bytes = bytes.isEmpty ? rest : bytes + rest
        }
        return bytes
    }

    /// Reads a part of the file to a guest's address; memory must be fresh, because the file's holes are left out.
    ///
    /// A mapping would cost nothing at first. But kernels rewrite most of their own text at boot. Each page of a
    /// private mapping then costs three exits: the read, the write, and the removal of the shared page at the copy.
    func place(_ offset: UInt64, count: UInt64, at address: UInt64, in memory: GuestMemory) throws(MachineError) {
        let ranges: [Range<UInt64>]
        do throws(SystemError) { ranges = try descriptor.dataRanges(in: offset..<(offset + count)) } catch {
            throw .host("read the kernel", path, error.errno)
        }
        for range in ranges { try place(range, at: address + (range.lowerBound - offset), in: memory) }
    }

    private func place(_ range: Range<UInt64>, at address: UInt64, in memory: GuestMemory) throws(MachineError) {
        var done: UInt64 = 0
        while done < range.count {
            let (offset, address, rest) = (range.lowerBound + done, address + done, UInt64(range.count) - done)
            let result: Result<Int, SystemError> = try reaching { () throws(GuestFault) in
                try unsafe memory.withBytes(at: address, count: rest) { (buffer) throws(SystemError) in
                    try unsafe descriptor.read(into: buffer, at: Int64(offset))
                }
            }
            switch result {
            case .success(0): throw .unbootableKernel("\(path) became shorter while it was read")
            case .success(let count): done += UInt64(count)
            case .failure(let error): throw .host("read the kernel", path, error.errno)
            }
        }
    }
}

/// Runs an access to an address that was checked before; a fault means that the machine has less memory than declared.
func reaching<Value>(_ body: () throws(GuestFault) -> Value) throws(MachineError) -> Value {
    do throws(GuestFault) { return try body() } catch {
        throw .impossible("the machine has no memory at \(hexadecimal(error.address)), \(error.byteCount) bytes")
    }
}
