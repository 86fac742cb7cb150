// A network card (virtio 1.2, 5.1) whose cable is a UNIX stream, in passt's format: before each frame its length, four
// bytes in big-endian order.

internal import Glibc
internal import Linux

/// Passes frames between the guest and the peer of a socket.
///
/// There are no offloads and no control queue. The faster side waits: a full socket leaves requests in the guest's
/// queue, a queue without buffers leaves bytes in the socket. A frame that neither side can take is dropped.
final class NetworkDevice: VirtioDevice {
    /// Feature bits (virtio 1.2, 5.1.3).
    private enum Feature {
        static let mtu: UInt64 = 1 << 3
        static let mac: UInt64 = 1 << 5
    }

    /// Queue numbers (virtio 1.2, 5.1.2).
    private enum Queue {
        static let receive = 0
        static let transmit = 1
    }

    /// The header before each frame in the guest's buffers (virtio 1.2, 5.1.6).
    ///
    /// All zero except for num_buffers, the last two bytes, which is one.
    private static let header: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    private static let headerByteCount = 12
    /// The size of a frame, from a bare Ethernet header to the largest that a receive buffer holds (5.1.6.3.1).
    private static let frames = 14...65_550
    private static let lengthByteCount = 4

    private let socket: OwnedDescriptor
    private let address: [UInt8]
    private let mtu: UInt16?
    private var context: VirtioContext?
    /// Bytes from the socket that the guest has not received yet; they begin with a frame's length.
    private let incoming = ByteQueue(capacity: 1 << 17)
    /// Bytes for the socket.
    private let outgoing = ByteQueue(capacity: 1 << 17)
    private var isConnected = true
    /// True if a frame waits for a buffer of the guest.
    private var isStalled = false

    /// A card with this address of six bytes; sets the socket to non-blocking.
    init(socket: consuming OwnedDescriptor, mac: [UInt8], mtu: UInt16? = nil) throws(MachineError) {
        guard mac.count == 6, mac[0] & 1 == 0 else {
            throw .impossible("a network card's address must be six bytes and unicast")
        }
        guard fcntl(socket.rawValue, F_SETFL, O_NONBLOCK) == 0 else { throw .host(last: "prepare a socket") }
        self.socket = socket
        self.mtu = mtu
        address = mac
    }

    var deviceID: UInt32 { VirtioDeviceID.network }
    var features: UInt64 { Feature.mac | (mtu == nil ? 0 : Feature.mtu) }
    var queueSizes: [UInt16] { [256, 256] }

    /// The fields mac, status, max_virtqueue_pairs and mtu (virtio 1.2, 5.1.4).
    var configuration: [UInt8] {
        let (status, maxVirtqueuePairs): (UInt16, UInt16) = (0, 0)
        var writer = StateWriter()
        for byte in address { writer.put(byte) }
        writer.put(status)
        writer.put(maxVirtqueuePairs)
        writer.put(mtu ?? 0)
        return writer.bytes
    }

    func activate(_ context: VirtioContext) {
        self.context = context
        guard isConnected else { return }
        do throws(MachineError) {
            try context.watch(socket.rawValue, for: .read) { [weak self] what throws(QueueFault) in
                try self?.handleEvent(what)
            }
        } catch {
            isConnected = false
        }
    }

    /// Keeps received frames for the next driver: the stream can't be cut in the middle of a frame.
    func reset() {
        context = nil
        isStalled = false
    }

    /// The address; frames in flight are lost, as on any network.
    func save() -> [UInt8] { address }

    func restore(_ state: [UInt8]) throws(MachineError) {
        guard state == address else { throw .brokenSnapshot("its network card has another address") }
    }

    func process(queue: Int) throws(QueueFault) {
        guard let context else { return }
        if queue == Queue.receive { try receive(context) } else { try transmit(context) }
        updateWatch(context)
    }

    private func handleEvent(_ what: Interest) throws(QueueFault) {
        guard let context else { return }
        if what.contains(.write) { try transmit(context) }
        if !what.isDisjoint(with: [.read, .hangup]) { try receive(context) }
        updateWatch(context)
    }

    private func updateWatch(_ context: VirtioContext) {
        guard isConnected else { return context.unwatch(socket.rawValue) }
        var interest: Interest = isStalled ? [] : .read
        if !outgoing.isEmpty { interest.insert(.write) }
        context.change(socket.rawValue, interest)
    }

    private func disconnect() {
        isConnected = false
        incoming.clear()
        outgoing.clear()
    }

    // MARK: To the guest

    private func receive(_ context: VirtioContext) throws(QueueFault) {
        let queue = context.queues[Queue.receive]
        queue.disableNotifications()
        try deliver(to: queue)
        guard isConnected, !isStalled else { return }
        switch incoming.read(from: socket.rawValue) {
        case .bytes: try deliver(to: queue)
        case .wouldBlock: break
        case .closed: disconnect()
        }
    }

    private func deliver(to queue: Virtqueue) throws(QueueFault) {
        isStalled = false
        while let count = frameByteCount {
            guard NetworkDevice.frames.contains(count) || count < NetworkDevice.frames.lowerBound else {
                return disconnect()
            }
            guard incoming.count >= NetworkDevice.lengthByteCount + count else { return }
            guard var chain = try queue.nextOrEnableNotifications() else { return isStalled = true }
            if fill(&chain.writable, count) {
                queue.complete(chain.head, written: NetworkDevice.headerByteCount + count)
            } else {
                queue.putBack()
            }
            incoming.drop(NetworkDevice.lengthByteCount + count)
        }
    }

    /// The length of the first frame; `nil` until it has arrived.
    private var frameByteCount: Int? {
        guard incoming.count >= NetworkDevice.lengthByteCount else { return nil }
        return Int(UInt32(bigEndian: unsafe incoming.bytes.loadUnaligned(as: UInt32.self)))
    }

    /// Copies the first frame; false if it is too short for a frame or too long for the buffer.
    private func fill(_ segments: inout Segments, _ count: Int) -> Bool {
        guard count >= NetworkDevice.frames.lowerBound,
            segments.byteCount >= NetworkDevice.headerByteCount + count
        else { return false }
        _ = unsafe NetworkDevice.header.withUnsafeBytes { unsafe segments.fill($0) }
        let start = NetworkDevice.lengthByteCount
        return unsafe segments.fill(UnsafeRawBufferPointer(rebasing: incoming.bytes[start..<start + count]))
    }

    // MARK: From the guest

    private func transmit(_ context: VirtioContext) throws(QueueFault) {
        let queue = context.queues[Queue.transmit]
        queue.disableNotifications()
        var left = queue.size
        while left > 0 {
            guard hasRoom() else { return }
            guard var chain = try queue.nextOrEnableNotifications() else { break }
            try enqueue(&chain.readable)
            queue.complete(chain.head, written: 0)
            left -= 1
        }
        flush()
        if left == 0 { context.again(Queue.transmit) }
    }

    /// True if the longest frame fits; sends waiting data first if needed.
    private func hasRoom() -> Bool {
        let longest = NetworkDevice.lengthByteCount + NetworkDevice.frames.upperBound
        if outgoing.room < longest { flush() }
        return outgoing.room >= longest
    }

    private func enqueue(_ segments: inout Segments) throws(QueueFault) {
        guard segments.drop(NetworkDevice.headerByteCount) else {
            throw .request("a frame to send has a truncated header")
        }
        let count = segments.byteCount
        guard isConnected, NetworkDevice.frames.contains(count) else { return }
        unsafe outgoing.extend { room in
            unsafe room.storeBytes(of: UInt32(count).bigEndian, as: UInt32.self)
            let frame = unsafe UnsafeMutableRawBufferPointer(
                rebasing: room[NetworkDevice.lengthByteCount...].prefix(count))
            return unsafe segments.take(frame) ? NetworkDevice.lengthByteCount + count : 0
        }
    }

    private func flush() {
        if isConnected, outgoing.write(to: socket.rawValue) == .closed { disconnect() }
    }
}
