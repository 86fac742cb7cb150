import HTTP
import Support
import Testing

/// Requests through a proxy.
@Suite struct ProxyTests {
    private static func client(_ proxy: String) -> HTTPClient {
        var configuration = HTTPConfiguration()
        configuration.proxy = .address(proxy)
        return HTTPClient(configuration)
    }

    @Test("A SOCKS proxy resolves the host's name, and all bytes go through it in both directions")
    func socks() throws {
        let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let server = try FakeServer { exchange in try exchange.reply(200, [:], try exchange.body()) }
        let proxy = try FakeProxy(.socks)
        let client = Self.client("socks5h://127.0.0.1:\(proxy.port)")
        let address = try WebAddress("http://registry.invalid:\(server.port)/v2/")
        #expect(try client.fetch(Request(.put, address, body: RequestBody(content))).content == content)
        #expect(proxy.asked == ["registry.invalid:\(server.port)"])
        #expect(server.received.first?.headers["host"] == "registry.invalid:\(server.port)")
    }

    @Test("A SOCKS proxy that does not connect has its own error, without its password")
    func refusingSocks() throws {
        let proxy = try FakeProxy(.refusingSocks)
        let client = Self.client("socks5h://me:hunter2@127.0.0.1:\(proxy.port)")
        let error = #expect(throws: HTTPError.self) {
            try client.fetch(Request(.get, WebAddress("http://registry.invalid/")))
        }
        guard case .proxyFailed("registry.invalid", let reason) = error else {
            Issue.record("\(error.map { "\($0)" } ?? "nothing")")
            return
        }
        #expect(!reason.contains("hunter2"))
    }

    @Test("A proxy gets requests for http, and does not see those for https")
    func proxies() throws {
        let proxy = try FakeServer { exchange in
            if exchange.request.method == "CONNECT" {
                try exchange.reply(403, [:], "")
            } else {
                try exchange.reply(200, [:], "from the proxy")
            }
        }
        var configuration = HTTPConfiguration()
        configuration.proxy = .address(proxy.origin)
        let client = HTTPClient(configuration)
        let headers: Headers = ["Authorization": "Basic secret"]
        let answer = try client.fetch(Request(.get, WebAddress("http://registry.invalid/v2/"), headers: headers))
        #expect(answer.content == Array("from the proxy".utf8))
        #expect(proxy.received.first?.target == "http://registry.invalid/v2/")
        #expect(throws: HTTPError.proxyRefused("registry.invalid", status: 403)) {
            try client.fetch(Request(.get, WebAddress("https://registry.invalid/v2/"), headers: headers))
        }
        #expect(proxy.received.last?.method == "CONNECT")
        #expect(proxy.received.last?.headers["authorization"] == nil)
    }
}
