internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

/// The Docker engine behind its UNIX socket, with the two calls that export and load images.
///
/// ```
/// GET  /images/NAME/get    HTTP/1.0, so that the archive ends with the connection
/// POST /images/load        HTTP/1.1 with a chunked body, since the archive's size is not known in advance
/// ```
struct DockerDaemon {
    private let path: String

    /// Finds the engine of `$DOCKER_HOST`, or the default one.
    init() throws {
        let host = Environment["DOCKER_HOST"] ?? "unix:///var/run/docker.sock"
        guard host.hasPrefix("unix://") else {
            throw Failure("DOCKER_HOST '\(host)' is not a unix:// socket", status: .usage)
        }
        path = String(host.dropFirst("unix://".count))
    }

    /// Passes the archive of an image to `body`.
    func read<T>(_ reference: Reference, _ body: (any ByteSource) throws -> [T]) throws -> T {
        let connection = try connect()
        try connection.write(Array("GET /images/\(reference)/get HTTP/1.0\r\nHost: docker\r\n\r\n".utf8))
        let response = DockerResponse(connection)
        try response.expectSuccess("docker-daemon:\(reference.familiar)")
        guard let image = try body(response).first else {
            throw Failure("Docker's archive of '\(reference.familiar)' has no image")
        }
        return image
    }

    /// Loads the archive that `body` writes.
    func write(_ body: (any ByteSink) throws -> Void) throws {
        let connection = try connect()
        let headers = [
            "POST /images/load?quiet=1 HTTP/1.1", "Host: docker", "Content-Type: application/x-tar",
            "Transfer-Encoding: chunked", "Connection: close",
        ]
        try connection.write(Array((headers.joined(separator: "\r\n") + "\r\n\r\n").utf8))
        let sink = FileSink(try connection.duplicate())
        try body(ChunkedSink(sink))
        try sink.write(Array("0\r\n\r\n".utf8))
        try sink.flush()
        let response = DockerResponse(connection)
        try response.expectSuccess("docker-daemon:")
        let answer = String(decoding: try response.rest(), as: UTF8.self)
        if let start = answer.range(of: "\"error\":\"") {
            throw Failure("Docker did not load the image: \(answer[start...].prefix { $0 != "\"" })")
        }
    }

    private func connect() throws -> OwnedDescriptor {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError("socket", nil, Errno(rawValue: errno)) }
        let connection = OwnedDescriptor(owning: number)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        let room = unsafe withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard bytes.count < place.count else { return false }
            unsafe place.copyBytes(from: bytes)
            return true
        }
        guard room else { throw Failure("the socket's path '\(path)' is too long", status: .usage) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.connect(number, $0, size) }
        }
        guard result == 0 else {
            throw Failure(
                "there is no Docker engine at '\(path)': \(Errno(rawValue: errno))",
                remedy: "start it, or name its socket with DOCKER_HOST=unix://PATH", status: .unmeasurable)
        }
        return connection
    }
}

/// A sink that writes bytes as chunks (RFC 9112 section 7.1).
private final class ChunkedSink: ByteSink {
    private let sink: FileSink

    init(_ sink: FileSink) { self.sink = sink }

    func write(_ bytes: ArraySlice<UInt8>) throws {
        if bytes.isEmpty { return }
        try sink.write(Array("\(String(bytes.count, radix: 16))\r\n".utf8))
        try sink.write(bytes)
        try sink.write(Array("\r\n".utf8))
    }
}

/// A response: first its status line and headers, then its body.
private final class DockerResponse: ByteSource {
    private static let limit = 64 << 10
    private let connection: OwnedDescriptor
    private var pending: [UInt8] = []

    init(_ connection: consuming OwnedDescriptor) { self.connection = connection }

    func next() throws -> [UInt8] {
        if !pending.isEmpty {
            defer { pending = [] }
            return pending
        }
        return try connection.read(256 << 10)
    }

    /// Reads the status line and headers, and throws unless the status is 200.
    func expectSuccess(_ what: String) throws {
        var head: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let place = head.firstIndex(of: end) {
                pending = Array(head[(place + end.count)...])
                head = Array(head[..<place])
                break
            }
            let chunk = try connection.read(4096)
            guard !chunk.isEmpty, head.count < Self.limit else { throw Failure("Docker's response is not HTTP") }
            head += chunk
        }
        let words = String(decoding: head.prefix { $0 != 13 }, as: UTF8.self).split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Failure("Docker's response is not HTTP")
        }
        guard status != 200 else { return }
        let text = String(decoding: try rest(), as: UTF8.self)
        let message = text.range(of: "\"message\":\"").map { String(text[$0...].prefix { $0 != "\"" }) }
        throw Failure("\(what): Docker responded with status \(status)" + (message.map { ": \($0)" } ?? ""))
    }

    /// Reads the rest of the response, about 64 KiB at most.
    func rest() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < Self.limit {
            let chunk = try next()
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return bytes
    }
}

extension [UInt8] {
    /// Returns the index of the first occurrence of a sequence.
    fileprivate func firstIndex(of part: [UInt8]) -> Int? {
        indices.first { self[$0...].starts(with: part) }
    }
}

extension String {
    /// Returns the index behind the first occurrence of a text.
    fileprivate func range(of part: String) -> String.Index? {
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(part) { return rest.index(rest.startIndex, offsetBy: part.count) }
            rest = rest.dropFirst()
        }
        return nil
    }
}
