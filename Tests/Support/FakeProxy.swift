internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// A proxy on a loopback port that connects every name to this machine.
public final class FakeProxy: Sendable {
    /// The protocol of the proxy.
    public enum Kind: Sendable {
        /// SOCKS 5 (RFC 1928), without a login.
        case socks
        /// SOCKS 5, but every connection is refused.
        case refusingSocks
        /// CONNECT of HTTP (RFC 9110, section 9.3.6).
        case connect
    }

    /// The port that it listens on.
    public let port: Int
    private let listener: Listener
    private let heads = Log()

    private final class Log: Sendable {
        let mutex = Mutex<[String]>([])
    }

    /// Starts a proxy, each connection on its own thread.
    public init(_ kind: Kind) throws {
        let (listener, heads) = (try Listener(), heads)
        self.listener = listener
        port = try listener.port()
        WorkerThread.start {
            listener.accept { connection in
                let client = OwnedDescriptor(owning: connection)
                // A client that disconnects, or is refused, is no failure of the proxy.
                try? Self.serve(kind, client) { head in heads.mutex.withLock { $0.append(head) } }
            }
        }
    }

    deinit { listener.stop() }

    /// The requested targets: `HOST:PORT`, or the whole head of a CONNECT.
    public var asked: [String] { heads.mutex.withLock { $0 } }

    private static func serve(_ kind: Kind, _ client: borrowing OwnedDescriptor, _ tell: (String) -> Void) throws {
        let port: UInt16
        switch kind {
        case .socks, .refusingSocks:
            let methods = try exactly(2, of: client)
            _ = try exactly(Int(methods[1]), of: client)
            try client.write([5, 0])
            let (host, number) = try socksAddress(client)
            tell("\(host):\(number)")
            if case .refusingSocks = kind { return try client.write([5, 5, 0, 1, 0, 0, 0, 0, 0, 0]) }
            port = number
        case .connect:
            var head: [UInt8] = []
            while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) { head += try exactly(1, of: client) }
            let text = String(decoding: head, as: UTF8.self)
            tell(text)
            let target = text.split(separator: " ").dropFirst().first ?? ""
            guard let number = target.split(separator: ":").last.flatMap({ UInt16($0) }) else { return }
            port = number
        }
        let server = try connected(to: port)
        try client.write(kind.isSocks ? [5, 0, 0, 1, 0, 0, 0, 0, 0, 0] : Array("HTTP/1.1 200 Connected\r\n\r\n".utf8))
        try relay(client, server)
    }

    /// Reads `VER CMD RSV ATYP ADDR PORT`.
    private static func socksAddress(_ client: borrowing OwnedDescriptor) throws -> (host: String, port: UInt16) {
        let kind = try exactly(4, of: client)[3]
        let host: String
        if kind == 3 {
            host = String(decoding: try exactly(Int(exactly(1, of: client)[0]), of: client), as: UTF8.self)
        } else {
            host = try exactly(kind == 1 ? 4 : 16, of: client).map { "\($0)" }.joined(separator: ".")
        }
        let port = try exactly(2, of: client)
        return (host, UInt16(port[0]) << 8 | UInt16(port[1]))
    }

    private static func exactly(_ count: Int, of socket: borrowing OwnedDescriptor) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let chunk = try socket.read(count - bytes.count)
            if chunk.isEmpty { throw SystemError("read", nil, .connectionReset) }
            bytes += chunk
        }
        return bytes
    }

    private static func connected(to port: UInt16) throws -> OwnedDescriptor {
        let socket = OwnedDescriptor(
            owning: try system("make a socket") {
                Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            })
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        try unsafe withUnsafePointer(to: &address) { pointer in
            _ = try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                try system("connect") { unsafe Glibc.connect(socket.rawValue, pointer, size) }
            }
        }
        return socket
    }

    /// Passes bytes on both ways until one end closes.
    private static func relay(_ client: borrowing OwnedDescriptor, _ server: borrowing OwnedDescriptor) throws {
        var ends = [client.rawValue, server.rawValue].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        while unsafe poll(&ends, 2, -1) > 0 {
            if ends[0].revents != 0 {
                let chunk = try client.read(64 << 10)
                if chunk.isEmpty { return }
                try server.write(chunk)
            }
            if ends[1].revents != 0 {
                let chunk = try server.read(64 << 10)
                if chunk.isEmpty { return }
                try client.write(chunk)
            }
        }
    }
}

extension FakeProxy.Kind {
    fileprivate var isSocks: Bool {
        switch self {
        case .socks, .refusingSocks: true
        case .connect: false
        }
    }
}
