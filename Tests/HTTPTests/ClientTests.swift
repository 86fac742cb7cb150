import HTTP
import Linux
import Support
import Testing

/// The client against a server of our own that can produce every fault.
@Suite struct ClientTests {
    let client = HTTPClient(Self.impatient)

    private static var impatient: HTTPConfiguration {
        var configuration = HTTPConfiguration()
        configuration.stallTimeout = .seconds(1)
        configuration.connectTimeout = .seconds(2)
        return configuration
    }

    @Test("The body of a response arrives complete, for any size", arguments: [0, 1, 3_000_000])
    func receives(size: Int) throws {
        let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let server = try FakeServer { try $0.reply(200, ["Content-Type": "a/b"], content) }
        let (response, received) = try client.fetch(Request(.get, WebAddress(server.origin + "/x?y=1")))
        #expect(response.status == 200)
        #expect(response.headers["content-type"] == "a/b")
        #expect(response.contentLength == Int64(size))
        #expect(received == content)
        #expect(server.received.map(\.target) == ["/x?y=1"])
    }

    @Test("A body is sent complete with its length, in the chunks of its source", arguments: [0, 1, 3_000_000])
    func sends(size: Int) async throws {
        let content = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let server = try FakeServer { exchange in try exchange.reply(201, [:], try exchange.body()) }
        let body = RequestBody(length: Int64(size)) {
            var rest = content[...]
            return {
                defer { rest = rest.dropFirst(100_000) }
                return Array(rest.prefix(100_000))
            }
        }
        let request = Request(.put, try WebAddress(server.origin), headers: ["X-Mine": "1"], body: body)
        let (response, echo) = try client.fetch(request)
        #expect(response.status == 201)
        #expect(echo == content)
        #expect(server.received.first?.method == "PUT")
        #expect(server.received.first?.headers["content-length"] == "\(size)")
        #expect(server.received.first?.headers["x-mine"] == "1")
        #expect(try await client.send(request).status == 201)
    }

    @Test("Several requests to one origin use one connection")
    func reuse() throws {
        let server = try FakeServer { try $0.reply(200, [:], $0.connection) }
        let request = Request(.get, try WebAddress(server.origin))
        let connections = try (0..<3).map { _ in try client.fetch(request).content }
        #expect(Set(connections).count == 1)
    }

    @Test("HEAD has headers and no body")
    func head() throws {
        let server = try FakeServer { try $0.reply(200, [:], "twelve bytes") }
        let (response, content) = try client.fetch(Request(.head, WebAddress(server.origin)))
        #expect(response.contentLength == 12)
        #expect(content.isEmpty)
    }

    @Test("A status that is no success is a response like any other", arguments: [401, 404, 429, 500])
    func statuses(status: Int) throws {
        let server = try FakeServer { try $0.reply(status, ["Retry-After": "7"], "why") }
        let (response, content) = try client.fetch(Request(.get, WebAddress(server.origin)))
        #expect(response.status == status)
        #expect(response.headers["RETRY-AFTER"] == "7")
        #expect(content == Array("why".utf8))
    }

    @Test("A body that ends early, by a close or by a reset, is an error", arguments: [true, false])
    func truncated(resets: Bool) throws {
        let server = try FakeServer { exchange in
            try exchange.head(200, length: 1000)
            try exchange.write([1, 2, 3])
            if resets { exchange.reset() } else { exchange.close() }
        }
        #expect(throws: HTTPError.interrupted(server.authority)) {
            try client.fetch(Request(.get, WebAddress(server.origin)))
        }
    }

    @Test("A server that stops sending is an error, before and after its first byte", arguments: [true, false])
    func silent(afterHead: Bool) throws {
        let server = try FakeServer { exchange in
            if afterHead { try exchange.head(200, length: 10) }
            _ = try exchange.beginning(ofBody: 1)
        }
        #expect(throws: HTTPError.stalled(server.authority, seconds: 1, bytesPerSecond: 1000)) {
            try client.fetch(Request(.get, WebAddress(server.origin)))
        }
    }

    @Test("A slow reader makes the server wait and loses nothing")
    func backPressure() throws {
        let content = [UInt8](repeating: 7, count: 20_000_000)
        let server = try FakeServer { try $0.reply(200, [:], content) }
        let stream = try client.open(Request(.get, WebAddress(server.origin)))
        var longest = 0
        while true {
            let chunk = try stream.next()
            if chunk.isEmpty { break }
            longest = max(longest, chunk.count)
        }
        #expect(stream.count == 20_000_000)
        #expect(longest <= 1 << 20)
    }

    @Test("A response over the limit is refused")
    func limit() throws {
        let server = try FakeServer { try $0.reply(200, [:], [UInt8](repeating: 0, count: 1001)) }
        #expect(throws: HTTPError.tooLarge(server.authority, limit: 1000)) {
            try client.fetch(Request(.get, WebAddress(server.origin)), limit: 1000)
        }
    }

    @Test("Cancelling ends a transfer that waits")
    func cancels() async throws {
        let server = try FakeServer { exchange in
            try exchange.head(200, length: 10)
            _ = try exchange.beginning(ofBody: 1)
        }
        let patient = HTTPClient()
        let address = try WebAddress(server.origin)
        let task = Task { try await patient.send(Request(.get, address)) }
        while server.received.isEmpty { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("The request fails with the error of its body's source")
    func brokenBody() throws {
        struct Broken: Error {}
        let server = try FakeServer { try $0.reply(200, [:], "") }
        let address = try WebAddress(server.origin)
        let broken = RequestBody(length: 10) { { throw Broken() } }
        #expect(throws: Broken.self) { try client.fetch(Request(.put, address, body: broken)) }
        let short = RequestBody(length: 10) { { [] } }
        #expect(throws: HTTPError.shortBody(server.authority, expected: 10, sent: 0)) {
            try client.fetch(Request(.put, address, body: short))
        }
    }

    @Test("Unreachable servers have different errors by their cause")
    func unreachable() throws {
        let gone = try FakeServer { try $0.reply(200, [:], "") }.authority
        #expect(throws: HTTPError.unreachable(gone)) { try client.fetch(Request(.get, WebAddress("http://\(gone)"))) }
        #expect(throws: HTTPError.unknownHost("nowhere.invalid")) {
            try client.fetch(Request(.get, WebAddress("http://nowhere.invalid/")))
        }
        let plain = try FakeServer { $0.close() }
        let error = #expect(throws: HTTPError.self) {
            try client.fetch(Request(.get, WebAddress("https://\(plain.authority)")))
        }
        guard case .notTLS(plain.authority, _) = error else {
            Issue.record("\(error.map(String.init(describing:)) ?? "nothing")")
            return
        }
    }

    @Test("A response that is no HTTP, or has endless headers, is refused", arguments: [true, false])
    func nonsense(endless: Bool) throws {
        let server = try FakeServer { exchange in
            try exchange.write(Array((endless ? "HTTP/1.1 200 OK\r\n" : "SSH-2.0-x\r\n").utf8))
            for index in 0..<(endless ? 100_000 : 1) { try exchange.write(Array("X-\(index): y\r\n".utf8)) }
            exchange.close()
        }
        #expect(throws: HTTPError.malformedResponse(server.authority)) {
            try client.fetch(Request(.get, WebAddress(server.origin)))
        }
    }

    @Test("A header's value cannot begin another header")
    func injection() throws {
        #expect(throws: HTTPError.malformedHeader("X")) {
            try client.fetch(Request(.get, WebAddress("http://127.0.0.1:1/"), headers: ["X": "a\r\nY: b"]))
        }
    }
}
