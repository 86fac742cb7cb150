// A split virtqueue (virtio 1.2, 2.7), from the device's side.
//
// ```
// descriptors  16 bytes each: address 8, length 4, flags 2, next 2
// available    flags 2, index 2, heads 2 each, used event 2
// used         flags 2, index 2, {head 4, written 4} each, available event 2
// ```

internal import CKVM
internal import Glibc

/// Flags of a split virtqueue (virtio 1.2, 2.7.5, 2.7.6 and 2.7.8).
private enum RingFlag {
    static let descNext: UInt16 = 1
    static let descWrite: UInt16 = 2
    static let descIndirect: UInt16 = 4
    static let availNoInterrupt: UInt16 = 1
    static let usedNoNotify: UInt16 = 1
}

/// Offsets in the available and the used ring, in bytes (virtio 1.2, 2.7.6 and 2.7.8).
private enum RingOffset {
    static let index = 2

    /// The offset of a head; behind the last one is used_event.
    static func available(_ position: UInt16) -> Int { 4 + 2 * Int(position) }
    /// The offset of a used element; behind the last one is avail_event.
    static func used(_ position: UInt16) -> Int { 4 + usedElementByteCount * Int(position) }

    static let usedElementByteCount = 8
    static let eventByteCount: UInt64 = 2
}

/// The addresses and the size of a queue, as the guest wrote them.
struct QueueLayout: Equatable {
    /// A power of two in a valid queue.
    var size: UInt32 = 0
    var descriptors: UInt64 = 0
    var available: UInt64 = 0
    var used: UInt64 = 0
}

/// A request: the buffers that the device may read, and those that it may write.
struct DescriptorChain {
    let head: UInt16
    var readable: Segments
    var writable: Segments
}

/// The rings of one queue; their addresses and lengths are checked once and don't change.
///
/// Everything that the guest writes is copied once, and checked before use. A guest that breaks the rules gets a
/// ``QueueFault``. It can neither make this code trap nor keep it from ending.
@safe final class Virtqueue {
    /// The features that driver and device have negotiated.
    struct NegotiatedFeatures {
        var hasEventIndex = false
        var hasIndirect = false
    }

    private struct RingDescriptor {
        static let byteCount = 16
        var address: UInt64 = 0
        var byteCount: UInt32 = 0
        var flags: UInt16 = 0
        var next: UInt16 = 0

        var hasNext: Bool { flags & RingFlag.descNext != 0 }
        var isWritten: Bool { flags & RingFlag.descWrite != 0 }
        var isIndirect: Bool { flags & RingFlag.descIndirect != 0 }
    }

    let size: UInt16
    private let features: NegotiatedFeatures
    private let memory: GuestMemory
    // Whole rings inside the guest's memory, which outlives the queue.
    private let descriptors: UnsafeMutableRawPointer
    private let available: UnsafeMutableRawPointer
    private let used: UnsafeMutableRawPointer
    private let segments: UnsafeMutableBufferPointer<iovec>
    /// The maximum number of buffers in a chain.
    private let maximumChainLength: Int

    private var nextAvailable: UInt16
    /// The guest's available index as last read.
    private var seenAvailable: UInt16
    private var nextUsed: UInt16
    /// The value of ``nextUsed`` at the last check for an interrupt.
    private var signalledUsed: UInt16

    /// Fails if the rings aren't wholly in guest memory, or break the specification's size and alignment.
    ///
    /// - Parameters:
    ///   - maximum: the size that the device offered, which also limits every chain.
    ///   - index: the number of requests that were made and completed before.
    init?(_ place: QueueLayout, maximum: UInt16, memory: GuestMemory, _ features: NegotiatedFeatures, index: UInt16 = 0)
    {
        guard let size = UInt16(exactly: place.size), size > 0, size <= maximum, size & (size - 1) == 0 else {
            return nil
        }
        let event = features.hasEventIndex ? RingOffset.eventByteCount : 0
        let table = UInt64(size) * UInt64(RingDescriptor.byteCount)
        let (heads, elements) = (UInt64(RingOffset.available(size)), UInt64(RingOffset.used(size)))
        guard
            let descriptors = unsafe try? memory.pointer(to: place.descriptors, table, alignment: 16),
            let available = unsafe try? memory.pointer(to: place.available, heads + event, alignment: 2),
            let used = unsafe try? memory.pointer(
                to: place.used, elements + event, alignment: 4, writtenByGuest: true)
        else { return nil }
        self.size = size
        self.features = features
        self.memory = memory
        unsafe (self.descriptors, self.available, self.used) = unsafe (descriptors, available, used)
        maximumChainLength = Int(maximum)
        unsafe segments = .allocate(capacity: Int(maximum))
        unsafe segments.initialize(repeating: iovec())
        (nextAvailable, seenAvailable, nextUsed, signalledUsed) = (index, index, index, index)
    }

    deinit {
        unsafe segments.deallocate()
    }

    /// The number of requests that were made and completed, modulo 65536.
    ///
    /// Between two passes both numbers are equal.
    var index: UInt16 { nextUsed }

    // MARK: Requests

    /// Returns the next request, or `nil` if there is none.
    func next() throws(QueueFault) -> DescriptorChain? {
        if nextAvailable == seenAvailable {
            let index = unsafe ckvm_load_acquire16(available + RingOffset.index)
            guard index &- nextAvailable <= size else { throw .availableIndex(index) }
            seenAvailable = index
            if nextAvailable == index { return nil }
        }
        let head = unsafe ckvm_load_acquire16(available + RingOffset.available(nextAvailable & (size - 1)))
        nextAvailable &+= 1
        return try walk(head)
    }

    /// Puts back the request that ``next()`` returned last; the next call returns it again.
    func putBack() {
        nextAvailable &-= 1
    }

    private func walk(_ head: UInt16) throws(QueueFault) -> DescriptorChain {
        var table = unsafe UnsafeRawPointer(descriptors)
        var (count, left, index, isIndirect) = (Int(size), Int(size), head, false)
        var found = WalkState()
        while true {
            guard Int(index) < count else { throw .descriptorIndex(index) }
            guard left > 0 else { throw .endlessChain }
            left -= 1
            var descriptor = RingDescriptor()
            unsafe ckvm_copy(&descriptor, table + Int(index) * RingDescriptor.byteCount, RingDescriptor.byteCount)
            if descriptor.isIndirect {
                guard features.hasIndirect, !isIndirect else { throw .indirect }
                unsafe (table, count) = unsafe try indirectTable(descriptor)
                (left, index, isIndirect) = (count, 0, true)
                continue
            }
            try add(descriptor, to: &found)
            guard descriptor.hasNext else { break }
            index = descriptor.next
        }
        return unsafe DescriptorChain(
            head: head, readable: Segments(segments[..<found.readable], byteCount: found.readableBytes),
            writable: Segments(segments[found.readable..<found.count], byteCount: found.byteCount - found.readableBytes)
        )
    }

    private func indirectTable(_ descriptor: RingDescriptor) throws(QueueFault) -> (UnsafeRawPointer, Int) {
        let (count, rest) = Int(descriptor.byteCount).quotientAndRemainder(dividingBy: RingDescriptor.byteCount)
        guard !descriptor.hasNext, rest == 0, count > 0, count <= maximumChainLength else { throw .indirect }
        do throws(GuestFault) {
            return try unsafe (
                UnsafeRawPointer(memory.pointer(to: descriptor.address, UInt64(descriptor.byteCount))), count
            )
        } catch {
            throw .buffer(error)
        }
    }

    /// The buffers that a walk has found so far.
    private struct WalkState {
        var count = 0
        var byteCount = 0
        var readable = 0
        var readableBytes = 0
    }

    private func add(_ descriptor: RingDescriptor, to found: inout WalkState) throws(QueueFault) {
        guard descriptor.byteCount > 0 else { throw .emptyBuffer }
        guard found.count < maximumChainLength else { throw .endlessChain }
        guard descriptor.isWritten || found.readable == found.count else { throw .order }
        found.byteCount += Int(descriptor.byteCount)
        guard found.byteCount <= UInt32.max else { throw .hugeChain }
        do throws(GuestFault) {
            let base = unsafe try memory.pointer(
                to: descriptor.address, UInt64(descriptor.byteCount), writtenByGuest: descriptor.isWritten)
            unsafe segments[found.count] = unsafe iovec(iov_base: base, iov_len: Int(descriptor.byteCount))
        } catch {
            throw .buffer(error)
        }
        found.count += 1
        if !descriptor.isWritten { (found.readable, found.readableBytes) = (found.count, found.byteCount) }
    }

    // MARK: Completion

    /// Returns a request to the guest, `written` bytes of it filled.
    func complete(_ head: UInt16, written: Int) {
        var entry = (UInt32(head).littleEndian, UInt32(truncatingIfNeeded: written).littleEndian)
        unsafe ckvm_copy(used + RingOffset.used(nextUsed & (size - 1)), &entry, RingOffset.usedElementByteCount)
        nextUsed &+= 1
        unsafe ckvm_store_release16(used + RingOffset.index, nextUsed)
    }

    /// True if the guest requests an interrupt for the requests completed since the last call.
    func takeInterrupt() -> Bool {
        guard nextUsed != signalledUsed else { return false }
        let before = signalledUsed
        signalledUsed = nextUsed
        ckvm_full_fence()
        guard features.hasEventIndex else {
            return unsafe ckvm_load_acquire16(available) & RingFlag.availNoInterrupt == 0
        }
        let event = unsafe ckvm_load_acquire16(available + RingOffset.available(size))
        return nextUsed &- event &- 1 < nextUsed &- before
    }

    // MARK: Notifications

    /// Asks the guest not to notify new requests.
    func disableNotifications() {
        // With event indices the guest notifies only when it passes the index from `enableNotifications`, which lies
        // behind it.
        if !features.hasEventIndex { unsafe ckvm_store_release16(used, RingFlag.usedNoNotify) }
    }

    /// Asks the guest to notify the next request; true if one is there already.
    func enableNotifications() -> Bool { enableNotifications(beyond: nextAvailable) }

    /// Asks the guest to notify once its index passes this one; true if it has already.
    func enableNotifications(beyond index: UInt16) -> Bool {
        if features.hasEventIndex {
            unsafe ckvm_store_release16(used + RingOffset.used(size), index)
        } else {
            unsafe ckvm_store_release16(used, 0)
        }
        ckvm_full_fence()
        return availableIndex != index
    }

    /// The guest's available index now; it is not checked.
    var availableIndex: UInt16 { unsafe ckvm_load_acquire16(available + RingOffset.index) }

    /// Returns the next request; if there is none, the guest will notify the next one.
    func nextOrEnableNotifications() throws(QueueFault) -> DescriptorChain? {
        if let chain = try next() { return chain }
        guard enableNotifications() else { return nil }
        disableNotifications()
        // Only once: a guest that keeps changing the index would keep us here forever.
        return try next()
    }

    /// The limit of one pass, in bytes: queues full of the longest requests are gigabytes.
    private static let batchByteCount = 16 << 20

    /// Answers all requests, also those that arrive meanwhile, up to the queue size or ``batchByteCount``.
    ///
    /// - Parameter answer: returns the number of bytes that it wrote.
    /// - Returns: true if requests may be left, so that another pass is needed soon.
    func drain(_ answer: (inout DescriptorChain) throws(QueueFault) -> Int) throws(QueueFault) -> Bool {
        disableNotifications()
        var (requests, bytes) = (0, 0)
        while requests < size, bytes < Virtqueue.batchByteCount {
            guard var chain = try nextOrEnableNotifications() else { return false }
            requests += 1
            bytes += chain.readable.byteCount + chain.writable.byteCount
            complete(chain.head, written: try answer(&chain))
        }
        return true
    }
}
