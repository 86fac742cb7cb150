// A disk (virtio 1.2, 5.2): one queue, requests answered at once and in order.
//
// ```
// request  type 4, reserved 4, sector 8 | data to write …          read by the device
//          data read … | status 1                                  written by the device
// ```

internal import Glibc
internal import Linux
internal import Synchronization

/// A file of the host as the guest's disk; it supports read, write if allowed, flush and the serial number.
final class BlockDevice: VirtioDevice {
    /// Feature bits (virtio 1.2, 5.2.3).
    private enum Feature {
        static let segMax: UInt64 = 1 << 2
        static let ro: UInt64 = 1 << 5
        static let blkSize: UInt64 = 1 << 6
        static let flush: UInt64 = 1 << 9
    }

    /// Request types; in and out as the guest sees them (virtio 1.2, 5.2.6).
    private enum RequestType {
        static let `in`: UInt32 = 0
        static let out: UInt32 = 1
        static let flush: UInt32 = 4
        static let getID: UInt32 = 8
    }

    /// Status bytes (virtio 1.2, 5.2.6).
    private enum RequestStatus: UInt8 {
        case ok = 0
        case ioerr = 1
        case unsupp = 2
    }

    /// The unit of the capacity and of all requests, in bytes, for any block size.
    private static let sector = 512
    /// The maximum of one request in bytes, so that none keeps the device busy for long.
    private static let longestRequest = 16 << 20
    /// The size of a reply to ``RequestType/getID`` (virtio 1.2, 5.2.6).
    private static let deviceIdentifierByteCount = 20
    private static let queueSize: UInt16 = 256

    private let file: OwnedDescriptor
    private let byteCount: Int
    private let blockByteCount: UInt32
    private let isReadOnly: Bool
    private let deviceIdentifier: [UInt8]
    private let record = Mutex(DiskReads())
    private var context: VirtioContext?

    /// A disk of the first `byteCount` bytes of a file, a multiple of `blockByteCount`.
    ///
    /// - Parameters:
    ///   - name: the disk's serial number in the guest; only its first 20 bytes count.
    ///   - blockByteCount: the smallest unit of the guest's requests.
    init(
        _ file: consuming OwnedDescriptor, byteCount: UInt64, isReadOnly: Bool, name: String,
        blockByteCount: UInt32 = UInt32(BlockDevice.sector)
    ) throws(MachineError) {
        guard blockByteCount >= BlockDevice.sector, blockByteCount & (blockByteCount - 1) == 0,
            byteCount.isMultiple(of: UInt64(blockByteCount)), let count = Int(exactly: byteCount)
        else { throw .impossible("a disk's size must be a multiple of its block size, a power of two of at least 512") }
        self.file = file
        self.byteCount = count
        self.blockByteCount = blockByteCount
        self.isReadOnly = isReadOnly
        deviceIdentifier = Array(
            (Array(name.utf8) + [UInt8](repeating: 0, count: BlockDevice.deviceIdentifierByteCount))
                .prefix(BlockDevice.deviceIdentifierByteCount))
    }

    /// The guest's reads so far; may be called on any thread.
    var diskReads: DiskReads { record.withLock { $0 } }

    var deviceID: UInt32 { VirtioDeviceID.block }
    var queueSizes: [UInt16] { [BlockDevice.queueSize] }

    var features: UInt64 {
        Feature.segMax | Feature.blkSize | (isReadOnly ? Feature.ro : Feature.flush)
    }

    /// The fields capacity, size_max, seg_max, geometry and blk_size (virtio 1.2, 5.2.4).
    var configuration: [UInt8] {
        let (sizeMax, geometry): (UInt32, UInt32) = (0, 0)
        var writer = StateWriter()
        writer.put(UInt64(byteCount / BlockDevice.sector))
        writer.put(sizeMax)
        // The queue size, less header and status.
        writer.put(UInt32(BlockDevice.queueSize - 2))
        writer.put(geometry)
        writer.put(blockByteCount)
        return writer.bytes
    }

    func activate(_ context: VirtioContext) { self.context = context }
    func reset() { context = nil }
    func save() -> [UInt8] { [] }

    func restore(_ state: [UInt8]) throws(MachineError) {
        guard state.isEmpty else { throw .brokenSnapshot("a disk has no state of its own") }
    }

    func process(queue: Int) throws(QueueFault) {
        guard let context else { return }
        let isBusy = try context.queues[queue].drain { chain throws(QueueFault) in try answer(&chain) }
        if isBusy { context.again(queue) }
    }

    // MARK: Requests

    private struct RequestHeader {
        var operation: UInt32 = 0
        var reserved: UInt32 = 0
        var sector: UInt64 = 0
    }

    /// Returns the number of bytes that were written for sure, from the first on.
    private func answer(_ chain: inout DescriptorChain) throws(QueueFault) -> Int {
        var header = RequestHeader()
        guard unsafe withUnsafeMutableBytes(of: &header, { unsafe chain.readable.take($0) }) else {
            throw .request("a disk request has a truncated header")
        }
        guard let place = unsafe chain.writable.takeLast() else {
            throw .request("a disk request has no status byte")
        }
        let wanted = chain.writable.byteCount
        let (status, written) = carryOut(header, &chain)
        unsafe place.storeBytes(of: status.rawValue, as: UInt8.self)
        return written == wanted ? written + 1 : written
    }

    private func carryOut(_ header: RequestHeader, _ chain: inout DescriptorChain) -> (RequestStatus, written: Int) {
        switch UInt32(littleEndian: header.operation) {
        case RequestType.in:
            let count = chain.writable.byteCount
            guard count <= BlockDevice.longestRequest, let offset = offset(header.sector, count) else {
                return (.ioerr, 0)
            }
            guard read(&chain.writable, at: offset) else { return (.ioerr, 0) }
            record.withLock { $0.add(count) }
            return (.ok, count)
        case RequestType.out where !isReadOnly:
            let count = chain.readable.byteCount
            guard count <= BlockDevice.longestRequest, let offset = offset(header.sector, count) else {
                return (.ioerr, 0)
            }
            return (write(&chain.readable, at: offset) ? .ok : .ioerr, 0)
        case RequestType.flush where !isReadOnly:
            return (fdatasync(file.rawValue) == 0 ? .ok : .ioerr, 0)
        case RequestType.getID:
            let count = min(chain.writable.byteCount, BlockDevice.deviceIdentifierByteCount)
            _ = unsafe deviceIdentifier.withUnsafeBytes { unsafe chain.writable.fill(.init(rebasing: $0[..<count])) }
            return (.ok, count)
        default: return (.unsupp, 0)
        }
    }

    /// Returns the offset of a request in the file, if it is in whole sectors on the disk.
    private func offset(_ sector: UInt64, _ count: Int) -> Int? {
        let sectors = byteCount / BlockDevice.sector
        guard count.isMultiple(of: BlockDevice.sector), let first = Int(exactly: UInt64(littleEndian: sector)),
            first <= sectors, count / BlockDevice.sector <= sectors - first
        else { return nil }
        return first * BlockDevice.sector
    }

    private func read(_ segments: inout Segments, at offset: Int) -> Bool {
        unsafe transfer(&segments, at: offset) { unsafe preadv(file.rawValue, $0, $1, $2) }
    }

    private func write(_ segments: inout Segments, at offset: Int) -> Bool {
        unsafe transfer(&segments, at: offset) { unsafe pwritev(file.rawValue, $0, $1, $2) }
    }

    private func transfer(
        _ segments: inout Segments, at offset: Int, _ call: (UnsafePointer<iovec>, Int32, Int) -> Int
    ) -> Bool {
        var offset = offset
        while segments.byteCount > 0 {
            let vector = unsafe segments.vector
            guard let base = vector.baseAddress else { return false }
            let count = unsafe call(base, Int32(vector.count), offset)
            if count < 0 && errno == EINTR { continue }
            guard count > 0, segments.drop(count) else { return false }
            offset += count
        }
        return true
    }
}
