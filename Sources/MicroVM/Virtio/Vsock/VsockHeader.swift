// The header of every packet between the guest's sockets and the host's (virtio 1.2, 5.10.6).

/// What a packet is for.
enum VsockOperation: UInt16 {
    case request = 1
    case response = 2
    case reset = 3
    case shutdown = 4
    case data = 5
    case creditUpdate = 6
    case creditRequest = 7
}

/// Which ways a connection is closed for.
struct VsockShutdown: OptionSet {
    let rawValue: UInt32

    /// Who sends this will receive no more.
    static let receive = VsockShutdown(rawValue: 1)
    /// Who sends this will send no more.
    static let send = VsockShutdown(rawValue: 2)
    static let both: VsockShutdown = [.receive, .send]
}

/// 44 bytes, laid out as in the guest's memory; the machines that this runs on are little-endian too.
struct VsockHeader: Equatable {
    static let byteCount = 44
    static let hostCID: UInt64 = 2
    static let stream: UInt16 = 1

    var sourceCID: UInt64 = 0
    var destinationCID: UInt64 = 0
    var sourcePort: UInt32 = 0
    var destinationPort: UInt32 = 0
    var byteCount: UInt32 = 0
    var type: UInt16 = VsockHeader.stream
    var operation: UInt16 = 0
    var flags: UInt32 = 0
    /// How much the sender keeps for this connection.
    var bufferByteCount: UInt32 = 0
    /// How much of what it got the sender has passed on, modulo 2³².
    var forwarded: UInt32 = 0

    init() {}

    /// Takes the header off a packet of the guest, if there is a whole one.
    init?(takingFrom segments: inout Segments) {
        guard unsafe withUnsafeMutableBytes(of: &self, { unsafe segments.take(.init(rebasing: $0.prefix(44))) }) else {
            return nil
        }
    }

    /// A packet to the guest.
    init(_ operation: VsockOperation, to guestCID: UInt64, _ key: VsockKey) {
        sourceCID = VsockHeader.hostCID
        destinationCID = guestCID
        sourcePort = key.hostPort
        destinationPort = key.guestPort
        self.operation = operation.rawValue
    }

    /// Writes the header into a buffer of the guest, which has room for it.
    func write(to segments: inout Segments) {
        _ = unsafe withUnsafeBytes(of: self) { unsafe segments.fill(.init(rebasing: $0.prefix(44))) }
    }
}

/// The two ports of a connection.
struct VsockKey: Hashable {
    let hostPort: UInt32
    let guestPort: UInt32
}
