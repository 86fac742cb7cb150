// The guest's physical memory as the host maps it.
//
// ```
// 0                     3 GiB              4 GiB
// +---------------------+------------------+--------------------+
// | RAM                 | devices, no RAM  | the rest of RAM    |    and after it, aligned: a read-only disk, perhaps
// +---------------------+------------------+--------------------+
// ```

internal import CKVM
internal import Glibc
internal import Linux
internal import SystemPackage

/// An access of the guest to an address range that is not its memory.
struct GuestFault: Error, Equatable {
    let address: UInt64
    let byteCount: UInt64
}

/// Memory that the guest sees and changes at any time.
///
/// Every access copies once: the bytes that were read are the bytes that are checked and used. Addresses come from the
/// guest. An access that is not wholly inside one region is a ``GuestFault``, never a trap.
final class GuestMemory: @unchecked Sendable {
    // Sendable because `regions` never changes. The bytes are the guest's: it answers for its own races, and accesses
    // that need an order are atomic.

    /// One mapping.
    @safe struct Region {
        /// The guest's physical address.
        let start: UInt64
        let byteCount: UInt64
        /// The address in this process; valid as long as the memory exists.
        let base: UnsafeMutableRawPointer
        /// True if the guest can't write to it; the KVM slot is read-only too.
        let isReadOnly: Bool
    }

    /// RAM below 4 GiB ends here at the latest, and continues at ``highStart``; devices are between them.
    static let hole: UInt64 = 3 << 30
    static let highStart: UInt64 = 4 << 30

    /// The size of a page in bytes.
    static let page: UInt64 = 4096
    private static let large = 2 << 20

    let regions: [Region]

    /// Fresh RAM, all zero.
    convenience init(byteCount: UInt64) throws(MachineError) {
        self.init(adopting: try GuestMemory.ram(byteCount: byteCount))
    }

    /// Adopts regions that are mapped already; the memory owns them from now on.
    init(adopting regions: [Region]) {
        self.regions = regions
    }

    deinit {
        for region in regions { unsafe munmap(region.base, Int(region.byteCount)) }
    }

    /// Maps RAM in its one or two parts, all zero; the host allocates each page at its first use.
    static func ram(byteCount: UInt64) throws(MachineError) -> [Region] {
        guard byteCount > 0, byteCount.isMultiple(of: page) else {
            throw .impossible("the memory size must be a multiple of 4 KiB")
        }
        return try parts(ofRAM: byteCount).map { part throws(MachineError) in try fresh(part) }
    }

    /// Fails if the guest's memory is larger than the host's.
    ///
    /// The host gives memory page by page, and a kernel uses more of it in a larger machine. Without this check, a host
    /// without free memory kills the process without any message.
    static func expectRoom(for byteCount: UInt64) throws(MachineError) {
        let (pages, page) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
        guard pages > 0, page > 0 else { return }
        let room = UInt64(pages) * UInt64(page)
        guard byteCount <= room else {
            throw .impossible(
                "the guest's memory of \(mebibytes(byteCount)) exceeds the host's of \(mebibytes(room))")
        }
    }

    /// Returns the address ranges of RAM of a size.
    static func parts(ofRAM byteCount: UInt64) -> [Range<UInt64>] {
        let low = 0..<min(byteCount, hole)
        return byteCount > hole ? [low, highStart..<(highStart + byteCount - hole)] : [low]
    }

    /// Maps memory of our own, all zero, with huge pages as far as the host has them.
    ///
    /// The guest's first access to each page is an exit, so huge pages save exits.
    static func fresh(_ range: Range<UInt64>) throws(MachineError) -> Region {
        let protection = PROT_READ | PROT_WRITE
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let found = unsafe mmap(nil, range.count + large, protection, flags, -1, 0)
        guard let found = unsafe found, unsafe found != MAP_FAILED else {
            throw .host("map the guest's memory", nil, Errno(rawValue: errno))
        }
        // Unmaps the excess at both ends.
        let base = unsafe found.alignedUp(toMultipleOf: large)
        let (before, after) = unsafe (base - found, found + large - base)
        if before > 0 { unsafe munmap(found, before) }
        if after > 0 { unsafe munmap(base + range.count, after) }
        // Without huge pages, small ones work too.
        unsafe madvise(base, range.count, MADV_HUGEPAGE)
        return unsafe Region(
            start: range.lowerBound, byteCount: UInt64(range.count), base: base, isReadOnly: false)
    }

    /// Maps a file as memory that is read-only for the guest; its pages are those of the host's page cache.
    ///
    /// - Parameter start: a multiple of 2 MiB, like the size that the guest sees; bytes behind the file are zero.
    static func file(_ file: borrowing OwnedDescriptor, at start: UInt64) throws(MachineError) -> Region {
        let size = try fileSize(file)
        guard size > 0, size < 1 << 40 else { throw .impossible("a disk of \(size) bytes cannot be mapped as memory") }
        let large = UInt64(large)
        let region = try fresh(start..<start + (size + large - 1) / large * large)
        let flags = MAP_SHARED | MAP_FIXED
        guard unsafe mmap(region.base, Int(size), PROT_READ, flags, file.rawValue, 0) != MAP_FAILED else {
            let code = errno
            unsafe munmap(region.base, Int(region.byteCount))
            throw .host("map a disk", nil, Errno(rawValue: code))
        }
        return unsafe Region(start: start, byteCount: region.byteCount, base: region.base, isReadOnly: true)
    }

    /// Lends the bytes at a guest's address to system calls that fill or empty them in place.
    ///
    /// The guest may change them at any time: pass this pointer only to the kernel, or make a single access.
    func withBytes<Result, Failure: Error>(
        at address: UInt64, count: UInt64, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(GuestFault) -> Swift.Result<Result, Failure> {
        let start = try unsafe pointer(to: address, count)
        let buffer = unsafe UnsafeMutableRawBufferPointer(start: start, count: Int(count))
        do throws(Failure) { return .success(try unsafe body(buffer)) } catch { return .failure(error) }
    }

    /// Copies bytes out of the guest's memory.
    func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(GuestFault) {
        guard let base = buffer.baseAddress else { return }
        let source = try unsafe pointer(to: address, UInt64(buffer.count))
        unsafe ckvm_copy(base, source, buffer.count)
    }

    /// Copies bytes out of the guest's memory; the caller bounds `count`, never the guest alone.
    func bytes(at address: UInt64, count: Int) throws(GuestFault) -> [UInt8] {
        guard count > 0 else { return [] }
        let source = try unsafe pointer(to: address, UInt64(count))
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let base = buffer.baseAddress { unsafe ckvm_copy(base, source, count) }
            initialized = count
        }
    }

    /// Copies bytes into the guest's memory, also into memory that is read-only for the guest.
    func write(_ bytes: UnsafeRawBufferPointer, at address: UInt64) throws(GuestFault) {
        guard let base = bytes.baseAddress else { return }
        let destination = try unsafe pointer(to: address, UInt64(bytes.count))
        unsafe ckvm_copy(destination, base, bytes.count)
    }

    /// Copies bytes into the guest's memory.
    func write(_ bytes: [UInt8], at address: UInt64) throws(GuestFault) {
        let result: Swift.Result<Void, GuestFault> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(GuestFault) { return .success(try unsafe write(buffer, at: address)) } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Reads one little-endian number, also from an unaligned address.
    func load<Number: FixedWidthInteger>(_: Number.Type, at address: UInt64) throws(GuestFault) -> Number {
        var number = Number.zero
        let source = try unsafe pointer(to: address, UInt64(MemoryLayout<Number>.size))
        unsafe ckvm_copy(&number, source, MemoryLayout<Number>.size)
        return Number(littleEndian: number)
    }

    /// Writes one little-endian number.
    func store<Number: FixedWidthInteger>(_ number: Number, at address: UInt64) throws(GuestFault) {
        var bytes = number.littleEndian
        let destination = try unsafe pointer(to: address, UInt64(MemoryLayout<Number>.size))
        unsafe ckvm_copy(destination, &bytes, MemoryLayout<Number>.size)
    }

    /// True if all bytes are in one region.
    func contains(_ address: UInt64, count: UInt64) -> Bool {
        unsafe (try? pointer(to: address, count)) != nil
    }

    /// Returns the address of a guest's bytes in this process; valid as long as the memory exists.
    ///
    /// The guest may change them at any time: pass this pointer only to the kernel, or make a single access.
    ///
    /// - Parameter byGuest: the guest requests the write; fails for read-only memory.
    func pointer(
        to address: UInt64, _ count: UInt64, alignment: UInt64 = 1, writtenByGuest byGuest: Bool = false
    ) throws(GuestFault) -> UnsafeMutableRawPointer {
        for region in regions where address >= region.start {
            let offset = address - region.start
            guard offset < region.byteCount, count <= region.byteCount - offset else { continue }
            guard address.isMultiple(of: alignment), !(byGuest && region.isReadOnly) else { break }
            return unsafe region.base + Int(offset)
        }
        throw GuestFault(address: address, byteCount: count)
    }
}
