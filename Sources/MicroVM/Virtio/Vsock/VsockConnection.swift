internal import Glibc

/// A connection between a socket of the guest and one of the host: who may send how much, and what is to be said.
///
/// Credit: each side says how much it keeps (`bufferByteCount`) and how much it has passed on (`forwarded`); the
/// other never has more than the first on its way.
final class VsockConnection {
    enum State {
        /// The guest was asked and has not answered.
        case requested
        case established
        /// The guest was told that the host's end is gone, and has not answered.
        case closing
    }

    /// Packets without data that are to be sent.
    struct Pending: OptionSet {
        let rawValue: UInt8

        static let request = Pending(rawValue: 1)
        static let response = Pending(rawValue: 2)
        static let shutdown = Pending(rawValue: 4)
        static let creditUpdate = Pending(rawValue: 8)
        static let creditRequest = Pending(rawValue: 16)
    }

    /// What we keep for the guest.
    static let bufferByteCount = 64 << 10

    let key: VsockKey
    var state: State
    /// Nil once it is gone.
    private(set) var socket: HostSocket?
    var pending: Pending = []
    /// It stands in the line of those who have something for the guest.
    var isQueued = false

    /// The host's end has something to read, or has ended.
    var isReadable = false
    /// The host's end sends no more.
    private(set) var hasEnded = false
    /// The host's end takes no more.
    private(set) var isDeaf = false
    /// What the guest has closed.
    var guestShutdown: VsockShutdown = []
    /// What the guest was or will be told that the host has closed.
    private(set) var hostShutdown: VsockShutdown = []

    private let outgoing = ByteQueue(capacity: VsockConnection.bufferByteCount)
    private var forwarded: UInt32 = 0
    private var announced: UInt32 = 0
    private var sent: UInt32 = 0
    private var guestBufferByteCount: UInt32 = 0
    private var guestForwarded: UInt32 = 0
    private var hasRequestedCredit = false

    init(_ key: VsockKey, _ state: State, _ socket: HostSocket) {
        self.key = key
        self.state = state
        self.socket = socket
    }

    // MARK: Credit

    /// Learns from any packet what the guest has room for.
    func learn(_ header: VsockHeader) {
        guestBufferByteCount = header.bufferByteCount
        guestForwarded = header.forwarded
        if credit > 0 { hasRequestedCredit = false }
    }

    /// How much the guest would take.
    var credit: Int {
        let underway = sent &- guestForwarded
        return underway < guestBufferByteCount ? Int(guestBufferByteCount - underway) : 0
    }

    /// Whether there is something to say to the guest now.
    var hasWork: Bool {
        guard pending.isEmpty else { return true }
        return state == .established && isReadable && wantsData && (credit > 0 || !hasRequestedCredit)
    }

    /// The guest still receives.
    var wantsData: Bool { !guestShutdown.contains(.receive) }

    /// Completes the header of a packet, which carries our credit with it.
    func stamp(_ header: inout VsockHeader) {
        header.bufferByteCount = UInt32(VsockConnection.bufferByteCount)
        header.forwarded = forwarded
        announced = forwarded
        pending.remove(.creditUpdate)
    }

    private func forward(_ count: Int) {
        forwarded &+= UInt32(count)
        if forwarded &- announced >= VsockConnection.bufferByteCount / 2 { pending.insert(.creditUpdate) }
    }

    // MARK: Packets without data

    /// The next of them.
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

    /// Asks for credit, once until there is some.
    func requestCredit() {
        hasRequestedCredit = true
        pending.insert(.creditRequest)
    }

    // MARK: The guest's data

    /// What was not passed on yet.
    var isFlushed: Bool { outgoing.isEmpty }

    /// Passes data of the guest on, or keeps it; false where the guest sends more than it may.
    func accept(_ segments: inout Segments) -> Bool {
        guard segments.byteCount <= outgoing.room else { return false }
        if outgoing.isEmpty, !isDeaf, let socket { send(&segments, to: socket.number) }
        if isDeaf {
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
        switch Transfer(unsafe sendmsg(socket, &message, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))) {
        case .later: break
        case .end: becomeDeaf()
        case .bytes(let count):
            forward(count)
            _ = segments.drop(count)
        }
    }

    /// Passes on what was kept, as far as the host's end takes it.
    func flush() {
        guard let socket, !isDeaf else { return }
        switch outgoing.write(to: socket.number) {
        case .bytes(let count): forward(count)
        case .later, .end: becomeDeaf()
        }
        if outgoing.isEmpty, guestShutdown.contains(.send) { shutdown(socket.number, Int32(SHUT_WR)) }
    }

    private func becomeDeaf() {
        isDeaf = true
        forward(outgoing.count)
        outgoing.clear()
        close(for: .receive)
    }

    // MARK: The host's end

    /// Says a line to the host's end before anything else; false where it is gone.
    func greet(_ line: String) -> Bool {
        guard let socket else { return false }
        let bytes = Array(line.utf8)
        return unsafe Glibc.send(socket.number, bytes, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL)) == bytes.count
    }

    /// Reads data for the guest, no more than it would take.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        guard let socket else { return .end }
        let count = min(buffer.count, credit)
        let result = Transfer(unsafe recv(socket.number, buffer.baseAddress, count, Int32(MSG_DONTWAIT)))
        switch result {
        case .later: isReadable = false
        case .end: (isReadable, hasEnded) = (false, true)
        case .bytes(let number):
            sent &+= UInt32(number)
            // Fewer than asked for means that there are no more; should the end come next, it shows by itself.
            isReadable = number == count
        }
        return result
    }

    /// Has the guest told that the host has closed this way.
    func close(for way: VsockShutdown) {
        guard !hostShutdown.contains(way) else { return }
        hostShutdown.formUnion(way)
        pending.insert(.shutdown)
    }

    /// Lets the host's end go; what it has not taken is lost.
    func hangUp() {
        socket = nil
        isReadable = false
        outgoing.clear()
    }

    /// What to watch the host's end for.
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
