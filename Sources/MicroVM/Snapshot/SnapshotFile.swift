// The file format of a snapshot.
//
// ```
// 0        "thaw-vm\0"  version  length of state  sum of 24 ... end of state, FNV-1a   32 + 32 + 64 bits, little-endian
// 24       sum of the memory, see MemoryChecksum
// 32       state, see MachineState
// page     RAM below the hole, RAM above it, the mailbox: as in the guest, zero pages as holes
// ```
// The sums detect damage. The first is checked when the file is opened. Memory is read only as the guest touches it, so
// its sum is checked after a guest has failed. The sums don't stop a forged file: everything that is read is checked,
// and the memory is the guest's own and as hostile as ever.

internal import Glibc
internal import Linux
public import SystemPackage

/// A snapshot that can be restored any number of times.
public struct SnapshotFile: ~Copyable {
    private static let magic = Array("thaw-vm\0".utf8)
    private static let version: UInt32 = 2
    private static let headerLength = 32
    private static let checksumStart = 24
    private static let stateLimit: UInt32 = 64 << 20
    private static let page = 4096
    /// The maximum size of a snapshot beyond its memory, in bytes.
    static let largestState = UInt64(stateLimit) + 1 << 20
    private static let portion = 1 << 20

    let state: MachineState
    private let file: OwnedDescriptor
    private let memoryStart: Int64
    private let memoryChecksum: UInt64

    /// The bytes that the caller of ``Machine/save(to:identity:)`` passed.
    public var identity: [UInt8] { state.identity }
    /// The size of the machine's RAM in bytes.
    public var memoryBytes: UInt64 { state.memoryBytes }
    /// The number of the machine's processors.
    public var processors: Int { state.processors.count }

    /// Opens and checks a snapshot; its memory is read later, page by page as the guest touches it.
    ///
    /// - Throws: ``MachineError/brokenSnapshot(_:)``, or ``MachineError/host(_:_:_:)`` if it can't be read.
    public init(opening path: FilePath) throws(MachineError) {
        try self.init(openFile(path), path)
    }

    /// Takes over an open file.
    init(_ opened: consuming OwnedDescriptor, _ path: FilePath) throws(MachineError) {
        (state, memoryStart, memoryChecksum) = try SnapshotFile.readState(opened, path)
        file = opened
    }

    /// Returns another descriptor of the file.
    func duplicate() throws(MachineError) -> OwnedDescriptor {
        do throws(SystemError) { return try file.duplicate() } catch { throw .host(error.operation, nil, error.errno) }
    }

    private static func readState(
        _ file: borrowing OwnedDescriptor, _ path: FilePath
    ) throws(MachineError) -> (MachineState, memoryStart: Int64, memoryChecksum: UInt64) {
        let header = try read(file, headerLength, at: 0)
        var reader = StateReader(Array(header.dropFirst(8)))
        guard Array(header.prefix(8)) == magic else { throw .brokenSnapshot("\(path) is not a snapshot") }
        let version = try reader.number(UInt32.self)
        guard version == self.version else {
            throw .brokenSnapshot("it has version \(version), this program supports \(self.version)")
        }
        let length = try reader.number(UInt32.self)
        guard length <= stateLimit else { throw .brokenSnapshot("its state has \(length) bytes") }
        let bytes = try read(file, Int(length), at: Int64(headerLength))
        guard try reader.number() == checksum(header[checksumStart...] + bytes) else {
            throw .brokenSnapshot("its state is damaged")
        }
        let memoryChecksum = try reader.number(UInt64.self)
        let state = try MachineState(bytes)
        guard state.memoryBytes > 0, state.memoryBytes.isMultiple(of: UInt64(page)),
            state.memoryBytes <= PhysicalMap.limit
        else { throw .brokenSnapshot("its memory has \(state.memoryBytes) bytes") }
        let start = memoryStart(stateLength: bytes.count)
        let (end, size) = (UInt64(start) + UInt64(byteCount(of: state.memoryBytes)), try fileSize(file))
        guard size == end else { throw .brokenSnapshot("it has \(size) bytes, not \(end)") }
        return (state, start, memoryChecksum)
    }

    /// Maps the memory, private to each machine.
    ///
    /// Pages come from the file at their first access. A guest's writes stay in its own machine.
    func map() throws(MachineError) -> [GuestMemory.Region] {
        guard try fileSize(file) == UInt64(memoryStart) + UInt64(SnapshotFile.byteCount(of: state.memoryBytes)) else {
            throw .brokenSnapshot("its length has changed")
        }
        var offset = memoryStart
        var regions: [GuestMemory.Region] = []
        for range in SnapshotFile.ranges(of: state.memoryBytes) {
            let flags = MAP_PRIVATE | MAP_NORESERVE
            let base = unsafe mmap(nil, range.count, PROT_READ | PROT_WRITE, flags, file.rawValue, Int(offset))
            guard let base = unsafe base, unsafe base != MAP_FAILED else {
                throw .host("map the snapshot", nil, Errno(rawValue: errno))
            }
            regions.append(
                unsafe GuestMemory.Region(
                    start: range.lowerBound, byteCount: UInt64(range.count), base: base, isReadOnly: false))
            offset += Int64(range.count)
        }
        return regions
    }

    /// Reads the whole memory and checks its sum.
    ///
    /// This takes time for all of it, also for pages that no guest touched. Use it to find out why a guest failed.
    ///
    /// - Throws: ``MachineError/brokenSnapshot(_:)``, or ``MachineError/host(_:_:_:)`` if it can't be read.
    public func expectIntact() throws(MachineError) {
        var checksum = MemoryChecksum()
        let count = SnapshotFile.byteCount(of: state.memoryBytes)
        // Read, not mapped: a failing disk returns an error, and not a signal.
        for place in stride(from: 0, to: count, by: SnapshotFile.portion) {
            let portion = min(SnapshotFile.portion, count - place)
            let bytes = try SnapshotFile.read(file, portion, at: memoryStart + Int64(place))
            let span = unsafe bytes.span.bytes
            for range in NonzeroPages.ranges(of: span) {
                checksum.add(span.extracting(range), at: place + range.lowerBound)
            }
        }
        guard checksum.value == memoryChecksum else { throw .brokenSnapshot("its memory is damaged") }
    }

    /// Writes a snapshot; it gets its name once it is complete.
    static func write(_ state: MachineState, _ memory: GuestMemory, to path: FilePath) throws(MachineError) {
        let target = try SnapshotTarget(path)
        try write(state, memory, to: target.file)
        try target.commit()
    }

    /// Writes a snapshot to a file that is empty.
    static func write(
        _ state: MachineState, _ memory: GuestMemory, to file: borrowing OwnedDescriptor
    ) throws(MachineError) {
        do throws(SystemError) {
            let bytes = state.bytes
            let start = memoryStart(stateLength: bytes.count)
            var checksum = MemoryChecksum()
            var place = 0
            for range in ranges(of: state.memoryBytes) {
                try write(memory, range, to: file, from: start, at: place, adding: &checksum)
                place += range.count
            }
            try file.write(header(bytes, checksum))
            try system("set the length of") { ftruncate(file.rawValue, Int(start) + place) }
        } catch { throw .host(error.operation, error.path, error.errno) }
    }

    /// Writes the pages of a range that are not all zero, `place` bytes behind the memory's start, and sums them.
    private static func write(
        _ memory: GuestMemory, _ range: Range<UInt64>, to file: borrowing OwnedDescriptor, from start: Int64,
        at place: Int, adding checksum: inout MemoryChecksum
    ) throws(SystemError) {
        guard let base = unsafe try? memory.pointer(to: range.lowerBound, UInt64(range.count)) else { return }
        // The machine is paused, so nothing changes these bytes, and the memory outlives the call.
        let bytes = unsafe RawSpan(_unsafeStart: base, byteCount: range.count)
        for range in NonzeroPages.ranges(of: bytes) {
            let (pages, place) = (bytes.extracting(range), place + range.lowerBound)
            checksum.add(pages, at: place)
            try file.write(pages, at: start + Int64(place))
        }
    }

    /// Returns everything before the memory.
    private static func header(_ state: [UInt8], _ memory: MemoryChecksum) -> [UInt8] {
        var summed = StateWriter()
        summed.put(memory.value)
        let rest = summed.bytes + state
        var writer = StateWriter()
        writer.put(version)
        writer.put(UInt32(state.count))
        writer.put(checksum(rest))
        return magic + writer.bytes + rest
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(FNV1a.offsetBasis) { ($0 ^ UInt64($1)) &* FNV1a.prime }
    }

    private static func ranges(of memoryBytes: UInt64) -> [Range<UInt64>] {
        GuestMemory.parts(ofRAM: memoryBytes) + [.mailbox]
    }

    private static func byteCount(of memoryBytes: UInt64) -> Int {
        ranges(of: memoryBytes).reduce(0) { $0 + $1.count }
    }

    private static func memoryStart(stateLength: Int) -> Int64 {
        Int64((headerLength + stateLength + page - 1) / page * page)
    }

    private static func read(
        _ file: borrowing OwnedDescriptor, _ count: Int, at offset: Int64
    ) throws(MachineError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let (number, start) = (file.rawValue, done)
            let piece = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(number, buffer.baseAddress.map { unsafe $0 + start }, count - start, Int(offset) + start)
            }
            if piece < 0 { throw .host("read the snapshot", nil, Errno(rawValue: errno)) }
            guard piece > 0 else { throw .brokenSnapshot("it is truncated") }
            done += piece
        }
        return bytes
    }
}
