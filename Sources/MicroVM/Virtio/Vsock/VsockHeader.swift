// The header of every packet between the guest's sockets and the host's (virtio 1.2, 5.10.6).

/// The operation of a packet (virtio 1.2, 5.10.6).
enum VsockOperation: UInt16 {
    case request = 1
    case response = 2
    case rst = 3
    case shutdown = 4
    case rw = 5
    case creditUpdate = 6
    case creditRequest = 7
}

/// The directions for which a connection is closed, the flags of a shutdown (virtio 1.2, 5.10.6).
struct VsockShutdown: OptionSet {
    let rawValue: UInt32

    /// The sender of this will receive no more.
    static let receive = VsockShutdown(rawValue: 1)
    /// The sender of this will send no more.
    static let send = VsockShutdown(rawValue: 2)
    static let both: VsockShutdown = [.receive, .send]
}

/// 44 bytes, laid out as in guest memory; the hosts that run this are little-endian too.
struct VsockHeader: Equatable {
    static let byteCount = 44
    /// The host's address; it and all below are reserved (virtio 1.2, 5.10.4).
    static let hostCID: UInt64 = 2
    /// The type of a stream socket (virtio 1.2, 5.10.6).
    static let stream: UInt16 = 1

    var sourceCID: UInt64 = 0
    var destinationCID: UInt64 = 0
    var sourcePort: UInt32 = 0
    var destinationPort: UInt32 = 0
    var byteCount: UInt32 = 0
    var type: UInt16 = VsockHeader.stream
    var operation: UInt16 = 0
    var flags: UInt32 = 0
    /// The size of the sender's buffer for this connection, in bytes.
    var bufAlloc: UInt32 = 0
    /// The bytes that the sender has received and passed on, modulo 2³².
    var fwdCnt: UInt32 = 0

    init() {}

    /// Takes the header off a guest's packet; `nil` if it is truncated.
    init?(takingFrom segments: inout Segments) {
        let isWhole = unsafe withUnsafeMutableBytes(of: &self) {
            unsafe segments.take(.init(rebasing: $0.prefix(VsockHeader.byteCount)))
        }
        guard isWhole else { return nil }
    }

    /// Makes the header of a packet to the guest.
    init(_ operation: VsockOperation, to guestCID: UInt64, _ key: VsockKey) {
        sourceCID = VsockHeader.hostCID
        destinationCID = guestCID
        sourcePort = key.hostPort
        destinationPort = key.guestPort
        self.operation = operation.rawValue
    }

    /// Writes the header into a guest's buffer, which has room for it.
    func write(to segments: inout Segments) {
        _ = unsafe withUnsafeBytes(of: self) { unsafe segments.fill(.init(rebasing: $0.prefix(VsockHeader.byteCount))) }
    }
}

/// The two ports of a connection.
struct VsockKey: Hashable {
    let hostPort: UInt32
    let guestPort: UInt32
}
