internal import Glibc

/// A connection between a socket of the guest and one of the host: credit and pending packets.
///
/// Each side reports the size of its buffer (`bufAlloc`) and the bytes that it has passed on (`fwdCnt`). The
/// other side never has more than that size in flight.
final class VsockConnection {
    enum State {
        /// The host has requested the connection; the guest has not replied yet.
        case requested
        case established
        /// The host's side is closed; the guest has not replied yet.
        case closing
    }

    /// Packets without data that have to be sent.
    struct Pending: OptionSet {
        let rawValue: UInt8

        static let request = Pending(rawValue: 1)
        static let response = Pending(rawValue: 2)
        static let shutdown = Pending(rawValue: 4)
        static let creditUpdate = Pending(rawValue: 8)
        static let creditRequest = Pending(rawValue: 16)
    }

    /// The size of our buffer for the guest's data, in bytes.
    static let bufferByteCount = 64 << 10

    let key: VsockKey
    var state: State
    /// `nil` once it is closed.
    private(set) var socket: HostSocket?
    var pending: Pending = []
    /// True if it waits for a buffer of the guest.
    var isQueued = false

    /// True if the host's side has data, or has ended.
    var isReadable = false
    /// True if the host's side sends no more.
    private(set) var hasEnded = false
    /// True if the host's side takes no more.
    private(set) var refusesData = false
    /// The directions that the guest has closed.
    var guestShutdown: VsockShutdown = []
    /// The directions that the host has closed; the guest was or will be notified.
    private(set) var hostShutdown: VsockShutdown = []

    private let outgoing = ByteQueue(capacity: VsockConnection.bufferByteCount)
    private var forwarded: UInt32 = 0
    private var announced: UInt32 = 0
    private var sent: UInt32 = 0
    private var guestBufferByteCount: UInt32 = 0
    private var guestForwarded: UInt32 = 0
    private var hasRequestedCredit = false

    init(_ key: VsockKey, state: State, socket: HostSocket) {
        self.key = key
        self.state = state
        self.socket = socket
    }

    // MARK: Credit

    /// Updates the guest's credit from the header of any packet.
    func updateCredit(_ header: VsockHeader) {
        guestBufferByteCount = header.bufAlloc
        guestForwarded = header.fwdCnt
        if credit > 0 { hasRequestedCredit = false }
    }

    /// The bytes that the guest has room for.
    var credit: Int {
        let underway = sent &- guestForwarded
        return underway < guestBufferByteCount ? Int(guestBufferByteCount - underway) : 0
    }

    /// True if a packet has to be sent to the guest now.
    var hasWork: Bool {
        guard pending.isEmpty else { return true }
        return state == .established && isReadable && wantsData && (credit > 0 || !hasRequestedCredit)
    }

    /// True if the guest still receives.
    var wantsData: Bool { !guestShutdown.contains(.receive) }

    /// Completes the header of a packet with our credit.
    func addCredit(_ header: inout VsockHeader) {
        header.bufAlloc = UInt32(VsockConnection.bufferByteCount)
        header.fwdCnt = forwarded
        announced = forwarded
        pending.remove(.creditUpdate)
    }

    private func forward(_ count: Int) {
        forwarded &+= UInt32(count)
        if forwarded &- announced >= VsockConnection.bufferByteCount / 2 { pending.insert(.creditUpdate) }
    }

    // MARK: Packets without data

    /// Returns the next of them.
    func takePending() -> (VsockOperation, VsockShutdown)? {
        let choices: [(Pending, VsockOperation)] = [
            (.request, .request), (.response, .response), (.shutdown, .shutdown), (.creditUpdate, .creditUpdate),
            (.creditRequest, .creditRequest),
        ]
        for (what, operation) in choices where pending.contains(what) {
            pending.remove(what)
            return (operation, operation == .shutdown ? hostShutdown : [])
        }
        return nil
    }

    /// Requests credit, once until there is some.
    func requestCredit() {
        hasRequestedCredit = true
        pending.insert(.creditRequest)
    }

    // MARK: The guest's data

    /// True if all data was passed on.
    var isFlushed: Bool { outgoing.isEmpty }

    /// Passes on the guest's data, or keeps it; false if the guest exceeds its credit.
    func accept(_ segments: inout Segments) -> Bool {
        guard segments.byteCount <= outgoing.room else { return false }
        if outgoing.isEmpty, !refusesData, let socket { send(&segments, to: socket.number) }
        if refusesData {
            forward(segments.byteCount)
        } else if segments.byteCount > 0 {
            unsafe outgoing.extend { room in
                let count = segments.byteCount
                return unsafe segments.take(.init(rebasing: room.prefix(count))) ? count : 0
            }
        }
        return true
    }

    private func send(_ segments: inout Segments, to socket: Int32) {
        guard segments.byteCount > 0 else { return }
        let vector = unsafe segments.vector
        var message = unsafe msghdr()
        unsafe message.msg_iov = vector.baseAddress
        unsafe message.msg_iovlen = vector.count
        switch IOResult(unsafe sendmsg(socket, &message, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))) {
        case .wouldBlock: break
        case .closed: stopSending()
        case .bytes(let count):
            forward(count)
            _ = segments.drop(count)
        }
    }

    /// Passes on kept data, as far as the host's side takes it.
    func flush() {
        guard let socket, !refusesData else { return }
        switch outgoing.write(to: socket.number) {
        case .bytes(let count): forward(count)
        case .wouldBlock, .closed: stopSending()
        }
        if outgoing.isEmpty, guestShutdown.contains(.send) { shutdown(socket.number, Int32(SHUT_WR)) }
    }

    private func stopSending() {
        refusesData = true
        forward(outgoing.count)
        outgoing.clear()
        close(for: .receive)
    }

    // MARK: The host's end

    /// Sends a line to the host's side before any other data; false if it is closed.
    func sendLine(_ line: String) -> Bool {
        guard let socket else { return false }
        let bytes = Array(line.utf8)
        return unsafe Glibc.send(socket.number, bytes, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL)) == bytes.count
    }

    /// Reads data for the guest, no more than its credit.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> IOResult {
        guard let socket else { return .closed }
        let count = min(buffer.count, credit)
        let result = IOResult(unsafe recv(socket.number, buffer.baseAddress, count, Int32(MSG_DONTWAIT)))
        switch result {
        case .wouldBlock: isReadable = false
        case .closed: (isReadable, hasEnded) = (false, true)
        case .bytes(let number):
            sent &+= UInt32(number)
            // A short read means that there is no more. The end of the stream causes an event of its own.
            isReadable = number == count
        }
        return result
    }

    /// Notifies the guest that the host has closed this direction.
    func close(for way: VsockShutdown) {
        guard !hostShutdown.contains(way) else { return }
        hostShutdown.formUnion(way)
        pending.insert(.shutdown)
    }

    /// Closes the host's side; data that it has not taken is lost.
    func closeSocket() {
        socket = nil
        isReadable = false
        outgoing.clear()
    }

    /// The events to watch the host's side for.
    var interest: Interest {
        guard state == .established else { return state == .requested ? .hangup : [] }
        var interest: Interest = []
        if !outgoing.isEmpty { interest.insert(.write) }
        if hasEnded || !wantsData {
            interest.insert(.hangup)
        } else if !isReadable {
            interest.insert(.read)
        }
        return interest
    }
}
