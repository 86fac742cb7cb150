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

/// The guest pointed at something that is not its memory.
struct GuestFault: Error, Equatable {
    let address: UInt64
    let byteCount: UInt64
}

/// Memory that a guest sees, and that changes under whoever reads it.
///
/// Every access copies once: what was read is what is checked and used. Addresses come from the guest, so an access
/// that is not wholly inside one region is a ``GuestFault`` and never a trap.
final class GuestMemory: @unchecked Sendable {
    // Sendable because `regions` never changes, and because the bytes are the guest's: races are its own affair, the
    // accesses that order anything are the atomic ones.

    /// One mapping.
    @safe struct Region {
        /// Where the guest sees it.
        let start: UInt64
        let byteCount: UInt64
        /// Where it is in this process, for as long as the memory lives.
        let base: UnsafeMutableRawPointer
        /// The guest may not write to it; KVM is told so.
        let isReadOnly: Bool
    }

    /// RAM ends here at the latest, and goes on at ``highStart``: between them are devices.
    static let hole: UInt64 = 3 << 30
    static let highStart: UInt64 = 4 << 30

    private static let large = 2 << 20

    let regions: [Region]

    /// Fresh RAM, all zero.
    convenience init(byteCount: UInt64) throws(MachineError) {
        self.init(adopting: try GuestMemory.ram(byteCount: byteCount))
    }

    /// Regions that are mapped already; they belong to the memory from now on.
    init(adopting regions: [Region]) {
        self.regions = regions
    }

    deinit {
        for region in regions { unsafe munmap(region.base, Int(region.byteCount)) }
    }

    /// RAM in its one or two parts, all zero; pages cost the host memory only once they are touched.
    static func ram(byteCount: UInt64) throws(MachineError) -> [Region] {
        guard byteCount > 0, byteCount.isMultiple(of: 4096) else {
            throw .impossible("a machine's memory is a multiple of 4 KiB")
        }
        return try parts(ofRAM: byteCount).map { part throws(MachineError) in try fresh(part) }
    }

    /// Expects that the host could give a guest all of its memory, which it takes page by page: a kernel uses more of a
    /// machine with more memory, and where there is none left the host ends the process without a word.
    static func expectRoom(for byteCount: UInt64) throws(MachineError) {
        let (pages, page) = (sysconf(Int32(_SC_PHYS_PAGES)), sysconf(Int32(_SC_PAGESIZE)))
        guard pages > 0, page > 0 else { return }
        let room = UInt64(pages) * UInt64(page)
        guard byteCount <= room else {
            throw .impossible(
                "a guest cannot have \(mebibytes(byteCount)) of memory where the machine has \(mebibytes(room))")
        }
    }

    /// Where RAM of a size lies.
    static func parts(ofRAM byteCount: UInt64) -> [Range<UInt64>] {
        let low = 0..<min(byteCount, hole)
        return byteCount > hole ? [low, highStart..<(highStart + byteCount - hole)] : [low]
    }

    /// Memory of our own, all zero, and in large pages as far as the host has them: each page that the guest touches
    /// first is an exit.
    static func fresh(_ range: Range<UInt64>) throws(MachineError) -> Region {
        let protection = PROT_READ | PROT_WRITE
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let found = unsafe mmap(nil, range.count + large, protection, flags, -1, 0)
        guard let found = unsafe found, unsafe found != MAP_FAILED else {
            throw .host("map the guest's memory", nil, Errno(rawValue: errno))
        }
        // What is too much at both ends goes back.
        let base = unsafe found.alignedUp(toMultipleOf: large)
        let (before, after) = unsafe (base - found, found + large - base)
        if before > 0 { unsafe munmap(found, before) }
        if after > 0 { unsafe munmap(base + range.count, after) }
        // Where the host has no large pages, small ones do.
        unsafe madvise(base, range.count, MADV_HUGEPAGE)
        return unsafe Region(
            start: range.lowerBound, byteCount: UInt64(range.count), base: base, isReadOnly: false)
    }

    /// A file as memory that the guest may only read: its pages are those of the host's page cache.
    ///
    /// - Parameter start: a multiple of 2 MiB, as is what the guest sees of the size; behind the file it is zero.
    static func file(_ file: borrowing OwnedDescriptor, at start: UInt64) throws(MachineError) -> Region {
        let size = try fileSize(file)
        guard size > 0, size < 1 << 40 else { throw .impossible("a disk of \(size) bytes cannot be memory") }
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

    /// Lends the bytes at a guest's address, for system calls that fill or empty them in place.
    ///
    /// The guest may change them at any time: only the kernel may be handed this pointer, or a single access made.
    func withBytes<Result, Failure: Error>(
        at address: UInt64, count: UInt64, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(GuestFault) -> Swift.Result<Result, Failure> {
        let start = try unsafe pointer(to: address, count)
        let buffer = unsafe UnsafeMutableRawBufferPointer(start: start, count: Int(count))
        do throws(Failure) { return .success(try unsafe body(buffer)) } catch { return .failure(error) }
    }

    /// Copies out of the guest.
    func read(_ address: UInt64, into buffer: UnsafeMutableRawBufferPointer) throws(GuestFault) {
        guard let base = buffer.baseAddress else { return }
        let source = try unsafe pointer(to: address, UInt64(buffer.count))
        unsafe ckvm_copy(base, source, buffer.count)
    }

    /// Copies out of the guest; `count` is the caller's bound, never the guest's word alone.
    func bytes(at address: UInt64, count: Int) throws(GuestFault) -> [UInt8] {
        guard count > 0 else { return [] }
        let source = try unsafe pointer(to: address, UInt64(count))
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let base = buffer.baseAddress { unsafe ckvm_copy(base, source, count) }
            initialized = count
        }
    }

    /// Copies into the guest; also where the guest itself may only read.
    func write(_ bytes: UnsafeRawBufferPointer, at address: UInt64) throws(GuestFault) {
        guard let base = bytes.baseAddress else { return }
        let destination = try unsafe pointer(to: address, UInt64(bytes.count))
        unsafe ckvm_copy(destination, base, bytes.count)
    }

    /// Copies into the guest.
    func write(_ bytes: [UInt8], at address: UInt64) throws(GuestFault) {
        let result: Swift.Result<Void, GuestFault> = unsafe bytes.withUnsafeBytes { buffer in
            do throws(GuestFault) { return .success(try unsafe write(buffer, at: address)) } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// One little-endian number, wherever it lies.
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

    /// Whether all bytes are in one region, and how many of them the guest could reach.
    func contains(_ address: UInt64, count: UInt64) -> Bool {
        unsafe (try? pointer(to: address, count)) != nil
    }

    /// Where bytes of the guest are in this process, for as long as the memory lives.
    ///
    /// The guest may change them at any time: only the kernel may be handed this pointer, or a single access made.
    ///
    /// - Parameter byGuest: it is the guest who asks to have them written, which read-only memory refuses.
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
