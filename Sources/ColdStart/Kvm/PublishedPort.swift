internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// A port of the loopback address whose connections are forwarded to a guest.
final class PublishedPort: Sendable {
    private static let connectionLimit = 64

    private let listener: OwnedDescriptor
    private let guest: UInt16
    private let count = Atomic<Int>(0)

    /// Listens from now on; clients wait for ``serve(through:)``.
    init(_ port: KeptMachine.ForwardedPort) throws(ColdStartError) {
        guest = port.guest
        do throws(SystemError) {
            listener = try PublishedPort.listen(port.host)
        } catch { throw .impossibleScenario("port \(port.host) cannot be published: \(error.errno)") }
    }

    deinit { UnixSocket.stopListening(listener) }

    /// Forwards connections, on threads of its own, until ``close()``.
    func serve(through socket: FilePath) {
        WorkerThread.start { [self] in
            while let client = UnixSocket.accept(listener) {
                guard count.add(1, ordering: .relaxed).newValue <= PublishedPort.connectionLimit else {
                    count.subtract(1, ordering: .relaxed)
                    continue
                }
                let number = client.release()
                WorkerThread.start { [self] in
                    pass(OwnedDescriptor(owning: number), through: socket)
                    count.subtract(1, ordering: .relaxed)
                }
            }
        }
    }

    /// Accepts no more connections; existing ones end with the machine.
    func close() { UnixSocket.stopListening(listener) }

    private func pass(_ client: consuming OwnedDescriptor, through socket: FilePath) {
        do throws(SystemError) {
            if let line = try GuestSocket.connect(to: guest, through: socket) { UnixSocket.relay(client, line) }
        } catch {
            // The machine has ended, and the connection with it.
            return
        }
    }

    private static func listen(_ port: UInt16) throws(SystemError) -> OwnedDescriptor {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = OwnedDescriptor(owning: try system("make socket") { Glibc.socket(AF_INET, type, 0) })
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var isReused: Int32 = 1
        try system("set up socket") {
            unsafe setsockopt(
                socket.rawValue, SOL_SOCKET, SO_REUSEADDR, &isReused, socklen_t(MemoryLayout<Int32>.size))
        }
        try system("bind") {
            unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe bind(socket.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        try system("listen") { Glibc.listen(socket.rawValue, 64) }
        return socket
    }
}
