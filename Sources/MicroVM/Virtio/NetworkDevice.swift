// A network card (virtio 1.2, 5.1) whose cable is a UNIX stream, as passt speaks it: four bytes of length, the most
// significant first, before each frame.

internal import Glibc
internal import Linux

/// Passes frames between the guest and whoever is at the other end of a socket.
///
/// No offloads and no control queue. Where one side is slow the other waits: a full socket leaves requests in the
/// guest's queue, a queue without buffers leaves bytes in the socket. A frame that neither side could take is dropped.
final class NetworkDevice: VirtioDevice {
    private enum Queue {
        static let receive = 0
        static let transmit = 1
    }

    /// Before each frame in the guest's buffers; all zero but for the number of buffers, which is one.
    private static let header: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    private static let headerByteCount = 12
    private static let frames = 14...65_550
    private static let lengthByteCount = 4

    private let socket: OwnedDescriptor
    private let address: [UInt8]
    private let mtu: UInt16?
    private var port: VirtioPort?
    /// Bytes from the socket that are not with the guest yet, a frame's length first.
    private let incoming = ByteQueue(capacity: 1 << 17)
    /// Bytes for the socket.
    private let outgoing = ByteQueue(capacity: 1 << 17)
    private var isConnected = true
    /// A frame waits for the guest to have a buffer.
    private var isStalled = false

    /// A card of this address, six bytes; the socket does not block from now on.
    init(socket: consuming OwnedDescriptor, mac: [UInt8], mtu: UInt16? = nil) throws(MachineError) {
        guard mac.count == 6, mac[0] & 1 == 0 else {
            throw .impossible("a card's address is six bytes, and of one card")
        }
        guard fcntl(socket.rawValue, F_SETFL, O_NONBLOCK) == 0 else { throw .host(last: "prepare a socket") }
        self.socket = socket
        self.mtu = mtu
        address = mac
    }

    var deviceID: UInt32 { 1 }
    var features: UInt64 { 1 << 5 | (mtu == nil ? 0 : 1 << 3) }
    var queueSizes: [UInt16] { [256, 256] }

    var configuration: [UInt8] {
        var writer = StateWriter()
        for byte in address { writer.put(byte) }
        writer.put(UInt16(0))
        writer.put(UInt16(0))
        writer.put(mtu ?? 0)
        return writer.bytes
    }

    func activate(_ port: VirtioPort) {
        self.port = port
        guard isConnected else { return }
        do throws(MachineError) {
            try port.watch(socket.rawValue, .read) { [weak self] what throws(QueueFault) in try self?.happened(what) }
        } catch {
            isConnected = false
        }
    }

    /// Frames that have come already stay for the next driver: in the stream they cannot be skipped by halves.
    func reset() {
        port = nil
        isStalled = false
    }

    /// The address; frames on the way are lost, as frames may be.
    func save() -> [UInt8] { address }

    func restore(_ state: [UInt8]) throws(MachineError) {
        guard state == address else { throw .brokenSnapshot("its network card has another address") }
    }

    func process(queue: Int) throws(QueueFault) {
        guard let port else { return }
        if queue == Queue.receive { try receive(port) } else { try transmit(port) }
        watchWhatIsNeeded(port)
    }

    private func happened(_ what: Interest) throws(QueueFault) {
        guard let port else { return }
        if what.contains(.write) { try transmit(port) }
        if !what.isDisjoint(with: [.read, .hangup]) { try receive(port) }
        watchWhatIsNeeded(port)
    }

    private func watchWhatIsNeeded(_ port: VirtioPort) {
        guard isConnected else { return port.unwatch(socket.rawValue) }
        var interest: Interest = isStalled ? [] : .read
        if !outgoing.isEmpty { interest.insert(.write) }
        port.change(socket.rawValue, interest)
    }

    private func disconnect() {
        isConnected = false
        incoming.clear()
        outgoing.clear()
    }

    // MARK: To the guest

    private func receive(_ port: VirtioPort) throws(QueueFault) {
        let queue = port.queues[Queue.receive]
        queue.silence()
        try deliver(to: queue)
        guard isConnected, !isStalled else { return }
        switch incoming.read(from: socket.rawValue) {
        case .bytes: try deliver(to: queue)
        case .later: break
        case .end: disconnect()
        }
    }

    private func deliver(to queue: Virtqueue) throws(QueueFault) {
        isStalled = false
        while let count = frameByteCount {
            guard NetworkDevice.frames.contains(count) || count < NetworkDevice.frames.lowerBound else {
                return disconnect()
            }
            guard incoming.count >= NetworkDevice.lengthByteCount + count else { return }
            guard var chain = try queue.nextOrListen() else { return isStalled = true }
            if fill(&chain.writable, count) {
                queue.complete(chain.head, written: NetworkDevice.headerByteCount + count)
            } else {
                queue.putBack()
            }
            incoming.drop(NetworkDevice.lengthByteCount + count)
        }
    }

    /// The length of the first frame, once it has come.
    private var frameByteCount: Int? {
        guard incoming.count >= NetworkDevice.lengthByteCount else { return nil }
        return Int(UInt32(bigEndian: unsafe incoming.bytes.loadUnaligned(as: UInt32.self)))
    }

    /// Copies the first frame, unless it is none or does not fit.
    private func fill(_ segments: inout Segments, _ count: Int) -> Bool {
        guard count >= NetworkDevice.frames.lowerBound,
            segments.byteCount >= NetworkDevice.headerByteCount + count
        else { return false }
        _ = unsafe NetworkDevice.header.withUnsafeBytes { unsafe segments.fill($0) }
        let start = NetworkDevice.lengthByteCount
        return unsafe segments.fill(UnsafeRawBufferPointer(rebasing: incoming.bytes[start..<start + count]))
    }

    // MARK: From the guest

    private func transmit(_ port: VirtioPort) throws(QueueFault) {
        let queue = port.queues[Queue.transmit]
        queue.silence()
        var left = queue.size
        while left > 0 {
            guard hasRoom() else { return }
            guard var chain = try queue.nextOrListen() else { break }
            try enqueue(&chain.readable)
            queue.complete(chain.head, written: 0)
            left -= 1
        }
        flush()
        if left == 0 { port.again(Queue.transmit) }
    }

    /// Whether the longest frame fits, if need be after sending what waits.
    private func hasRoom() -> Bool {
        let longest = NetworkDevice.lengthByteCount + NetworkDevice.frames.upperBound
        if outgoing.room < longest { flush() }
        return outgoing.room >= longest
    }

    private func enqueue(_ segments: inout Segments) throws(QueueFault) {
        guard segments.drop(NetworkDevice.headerByteCount) else {
            throw .request("a frame to send has no whole header")
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
        if isConnected, outgoing.write(to: socket.rawValue) == .end { disconnect() }
    }
}
