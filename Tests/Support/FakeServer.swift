internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// An HTTP/1.1 server on a loopback port whose responses, including faults, are the test's choice.
public final class FakeServer: Sendable {
    /// A request without its body.
    public struct Received: Sendable {
        /// The method, such as GET.
        public let method: String
        /// The path and query as they were sent.
        public let target: String
        /// The values by names in lower case.
        public let headers: [String: String]

        /// The path alone.
        public var path: String { String(target.prefix { $0 != "?" }) }
        /// The text after the question mark.
        public var query: String { target.firstIndex(of: "?").map { String(target[target.index(after: $0)...]) } ?? "" }
    }

    /// The port that it listens on.
    public let port: Int
    private let listener: Listener

    /// A client that disconnects must not end the tests.
    private static let ignoresBrokenPipes = signal(SIGPIPE, SIG_IGN) == nil

    /// Starts a server that passes every request to `answer`, each connection on its own thread.
    public init(_ answer: @Sendable @escaping (ServerExchange) throws -> Void) throws {
        _ = Self.ignoresBrokenPipes
        let listener = try Listener()
        self.listener = listener
        port = try listener.port()
        WorkerThread.start {
            listener.accept { connection in
                let wire = Wire(OwnedDescriptor(owning: connection))
                while let request = try? wire.readHead() {
                    listener.received.withLock { $0.append(request) }
                    let exchange = ServerExchange(request, wire)
                    // A handler that fails closes the connection, as a broken server does.
                    guard (try? exchange.run(answer)) == true else { return }
                }
            }
        }
    }

    deinit { listener.stop() }

    /// The address `127.0.0.1:PORT`.
    public var authority: String { "127.0.0.1:\(port)" }
    /// The address `http://127.0.0.1:PORT`.
    public var origin: String { "http://\(authority)" }
    /// The requests so far.
    public var received: [Received] { listener.received.withLock { $0 } }
}

/// A socket on a loopback port, and the requests that it received.
final class Listener: Sendable {
    let received = Mutex<[FakeServer.Received]>([])
    private let socket: OwnedDescriptor

    init() throws {
        socket = OwnedDescriptor(
            owning: try system("make a socket") {
                Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            })
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        try unsafe withUnsafePointer(to: &address) { pointer in
            _ = try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                try system("bind") {
                    unsafe bind(socket.rawValue, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        try system("listen") { listen(socket.rawValue, 64) }
    }

    func port() throws -> Int {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        try unsafe withUnsafeMutablePointer(to: &address) { pointer in
            _ = try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                try system("name socket") { unsafe getsockname(socket.rawValue, pointer, &size) }
            }
        }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Passes each connection to `body`, which closes it, on its own thread, until ``stop()``.
    func accept(_ body: @Sendable @escaping (Int32) -> Void) {
        while true {
            let connection = Glibc.accept(socket.rawValue, nil, nil)
            guard connection >= 0 else { return }
            _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
            WorkerThread.start { body(connection) }
        }
    }

    func stop() { shutdown(socket.rawValue, Int32(SHUT_RDWR)) }
}

/// One request that waits for its response.
public final class ServerExchange {
    public let request: FakeServer.Received
    private let wire: Wire
    private var hasBody: Bool
    private var staysOpen = true

    fileprivate init(_ request: FakeServer.Received, _ wire: Wire) {
        self.request = request
        self.wire = wire
        hasBody = (request.headers["content-length"] ?? "0") != "0" || request.headers["transfer-encoding"] != nil
    }

    /// The identity of the connection.
    public var connection: String { "\(ObjectIdentifier(wire))" }

    /// Reads the request's body.
    public func body() throws -> [UInt8] {
        guard hasBody else { return [] }
        hasBody = false
        if request.headers["expect"] != nil { try wire.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
        guard request.headers["transfer-encoding"] != nil else {
            return try wire.read(Int(request.headers["content-length"] ?? "") ?? 0)
        }
        var content: [UInt8] = []
        while let size = Int(try wire.line().prefix { $0 != ";" }, radix: 16), size > 0 {
            content += try wire.read(size)
            _ = try wire.line()
        }
        _ = try wire.line()
        return content
    }

    /// Reads the first `count` bytes of the body; the connection cannot be used for another request then.
    public func beginning(ofBody count: Int) throws -> [UInt8] {
        if request.headers["expect"] != nil { try wire.write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }
        return try wire.read(count)
    }

    /// Sends a response, with the length unless `headers` contain it.
    public func reply(_ status: Int, _ headers: [String: String] = [:], _ content: [UInt8] = []) throws {
        _ = try body()
        try head(status, headers, length: content.count)
        if request.method != "HEAD" { try wire.write(content) }
    }

    /// Sends a response with a text.
    public func reply(_ status: Int, _ headers: [String: String] = [:], _ text: String) throws {
        try reply(status, headers, Array(text.utf8))
    }

    /// Sends only the head of a response.
    public func head(_ status: Int, _ headers: [String: String] = [:], length: Int?) throws {
        var all = headers
        if let length, all["Content-Length"] == nil { all["Content-Length"] = "\(length)" }
        let fields = all.map { "\($0.key): \($0.value)\r\n" }.joined()
        try wire.write(Array("HTTP/1.1 \(status) Status\r\n\(fields)\r\n".utf8))
    }

    /// Sends bytes unchanged.
    public func write(_ bytes: [UInt8]) throws { try wire.write(bytes) }

    /// Closes the connection after this response.
    public func close() { staysOpen = false }

    /// Closes the connection with a reset.
    public func reset() {
        staysOpen = false
        wire.reset()
    }

    fileprivate func run(_ answer: (ServerExchange) throws -> Void) throws -> Bool {
        try answer(self)
        return staysOpen
    }
}

/// The bytes of a connection.
private final class Wire {
    private let socket: OwnedDescriptor
    private var buffer: ArraySlice<UInt8> = []

    init(_ socket: consuming OwnedDescriptor) { self.socket = socket }

    func write(_ bytes: [UInt8]) throws { try socket.write(bytes) }

    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(socket.rawValue, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    func readHead() throws -> FakeServer.Received? {
        if buffer.isEmpty { try fill() }
        // A client that speaks TLS is disconnected.
        guard buffer.first.map({ $0 < 0x80 && $0 >= 0x41 }) == true else { return nil }
        let words = try line().split(separator: " ").map(String.init)
        guard words.count == 3 else { return nil }
        var headers: [String: String] = [:]
        while true {
            let line = try line()
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        return FakeServer.Received(method: words[0], target: words[1], headers: headers)
    }

    /// Reads a line without its end.
    func line() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let line = buffer[..<end]
                buffer = buffer[(end + 1)...]
                return String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
            }
            try fill()
        }
    }

    func read(_ count: Int) throws -> [UInt8] {
        while buffer.count < count { try fill() }
        defer { buffer = buffer.dropFirst(count) }
        return Array(buffer.prefix(count))
    }

    private func fill() throws {
        let chunk = try socket.read(256 << 10)
        if chunk.isEmpty { throw SystemError("read", nil, .connectionReset) }
        buffer += chunk
    }
}
