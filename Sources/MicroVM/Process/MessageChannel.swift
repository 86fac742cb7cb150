internal import Glibc
internal import Linux
internal import SystemPackage

/// One end of a socket that carries whole messages in order.
///
/// Any number of threads may send; one receives.
final class MessageChannel: Sendable {
    /// The maximum size of a message in bytes: a mailbox and its header.
    static let longestMessage = 80 << 10

    let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// Makes both ends of a new channel.
    static func pair() throws(MachineError) -> (ours: MessageChannel, theirs: MessageChannel) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue)
        guard unsafe socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw .host(last: "make sockets") }
        return (MessageChannel(OwnedDescriptor(owning: ends[0])), MessageChannel(OwnedDescriptor(owning: ends[1])))
    }

    /// Sends a message; false if the other end is closed.
    func send(_ message: [UInt8]) -> Bool {
        while true {
            let count = unsafe message.withUnsafeBytes {
                unsafe Glibc.send(descriptor.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count == message.count { return true }
            guard count < 0, errno == EINTR else { return false }
        }
    }

    /// Waits for the next message; `nil` if the other end is closed, or sent an empty one.
    func receive() -> [UInt8]? {
        let number = descriptor.rawValue
        var count = 0
        let message = unsafe [UInt8](unsafeUninitializedCapacity: MessageChannel.longestMessage) {
            buffer, initialized in
            repeat { count = unsafe read(number, buffer.baseAddress, buffer.count) } while count < 0 && errno == EINTR
            initialized = max(count, 0)
        }
        return count > 0 ? message : nil
    }
}
