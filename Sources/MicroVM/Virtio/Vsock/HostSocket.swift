internal import Glibc
internal import Linux
internal import SystemPackage

/// A UNIX stream socket of the host that never blocks.
final class HostSocket {
    private let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    var number: Int32 { descriptor.rawValue }

    /// Returns another descriptor of the same socket.
    func duplicate() throws(MachineError) -> OwnedDescriptor {
        do throws(SystemError) { return try descriptor.duplicate() } catch {
            throw .host(error.operation, nil, error.errno)
        }
    }

    /// The longest path that a socket address holds, in bytes.
    static let longestPath = 107

    /// Connects to the listener at a path; `nil` if there is none, or its queue is full.
    static func connect(to path: FilePath) -> HostSocket? {
        guard let socket = stream() else { return nil }
        let result = unsafe withAddress(path) { unsafe Glibc.connect(socket.number, $0, $1) }
        return result == 0 ? socket : nil
    }

    /// Listens at a path that is new, for this user alone.
    static func listen(at path: FilePath) throws(MachineError) -> HostSocket {
        guard path.string.utf8.count <= longestPath else {
            throw .impossible("the socket path \(path) is too long; the limit is \(longestPath) bytes")
        }
        guard let socket = stream(), fchmod(socket.number, 0o600) == 0,
            unsafe withAddress(path, { unsafe bind(socket.number, $0, $1) }) == 0, Glibc.listen(socket.number, 128) == 0
        else { throw .host("listen", path, Errno(rawValue: errno)) }
        return socket
    }

    /// Accepts the next client; `nil` if none waits.
    func accept() -> HostSocket? {
        guard let peer = UnixSocket.accept(descriptor) else { return nil }
        return HostSocket(peer)
    }

    private static func stream() -> HostSocket? {
        let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let number = socket(AF_UNIX, Int32(type), 0)
        return number < 0 ? nil : HostSocket(OwnedDescriptor(owning: number))
    }

    private static func withAddress(_ path: FilePath, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.string.utf8)
        guard bytes.count <= longestPath else { return -1 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
