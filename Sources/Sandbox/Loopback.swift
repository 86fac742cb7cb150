// The TCP ports of a container, seen from outside its network.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// One of the kernel's tables `/proc/<pid>/net/tcp` and `tcp6`.
///
///     sl  local_address rem_address   st ...
///      0: 0100007F:1F90 00000000:0000 0A ...        port 8080, state LISTEN
struct SocketTable {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    func isListening(onPort port: UInt16) -> Bool {
        bytes.split(separator: 0x0a).dropFirst().contains { line in
            let fields = line.split(separator: 0x20)
            guard fields.count > 3, fields[3].elementsEqual("0A".utf8) else { return false }
            let local = fields[1].split(separator: 0x3a)
            guard local.count == 2 else { return false }
            return UInt16(String(decoding: local[1], as: UTF8.self), radix: 16) == port
        }
    }
}

/// Sockets made inside another network namespace.
enum Loopback {
    /// Connects to 127.0.0.1; the calling thread stays in that network namespace.
    static func connect(_ port: UInt16, in network: borrowing OwnedDescriptor) throws(SystemError) -> OwnedDescriptor {
        try system("enter network") { clinux_enter_network(network.rawValue) }
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = OwnedDescriptor(owning: try system("make socket") { Glibc.socket(AF_INET, type, 0) })
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        try system("connect to port \(port)") {
            unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe Glibc.connect(socket.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        return socket
    }
}
