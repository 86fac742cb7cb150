import HTTP
import Support
import Testing

/// Redirects are followed, and credentials stay with their origin.
@Suite struct RedirectTests {
    let client = HTTPClient()

    @Test("A redirect to another origin is followed without credentials", arguments: [301, 302, 303, 307, 308])
    func elsewhere(status: Int) throws {
        let other = try FakeServer { try $0.reply(200, [:], "there") }
        let server = try FakeServer { try $0.reply(status, ["Location": "\(other.origin)/there?sig=1"], "") }
        let headers: Headers = ["Authorization": "Bearer secret", "cookie": "secret", "Accept": "x/y"]
        let (response, content) = try client.fetch(Request(.get, WebAddress(server.origin), headers: headers))
        #expect(content == Array("there".utf8))
        #expect(response.address.text == "\(other.origin)/there?sig=1")
        let seen = try #require(other.received.first)
        #expect(seen.headers["authorization"] == nil)
        #expect(seen.headers["cookie"] == nil)
        #expect(seen.headers["accept"] == "x/y")
        #expect(server.received.first?.headers["authorization"] == "Bearer secret")
    }

    @Test("A redirect within the origin keeps credentials, and may be relative", arguments: ["/b", "b", "./b?c"])
    func within(location: String) throws {
        let server = try FakeServer { exchange in
            if exchange.request.path == "/a" { return try exchange.reply(302, ["Location": location], "") }
            try exchange.reply(200, [:], exchange.request.headers["authorization"] ?? "none")
        }
        let request = Request(.get, try WebAddress(server.origin + "/a"), headers: ["Authorization": "Basic x"])
        #expect(try client.fetch(request).content == Array("Basic x".utf8))
    }

    @Test("A body is sent again after 307 and 308, and never after 301, 302 and 303")
    func bodies() throws {
        for status in [301, 302, 303, 307, 308] {
            let server = try FakeServer { exchange in
                let content = try exchange.body()
                if exchange.request.path == "/" { return try exchange.reply(status, ["Location": "/b"], "") }
                try exchange.reply(200, [:], content)
            }
            let request = Request(.post, try WebAddress(server.origin), body: RequestBody(Array("sent".utf8)))
            let (response, content) = try client.fetch(request)
            #expect(response.status == (status >= 307 ? 200 : status))
            #expect(content == (status >= 307 ? Array("sent".utf8) : []))
        }
    }

    @Test("Endless redirects are an error")
    func endless() throws {
        let server = try FakeServer { try $0.reply(302, ["Location": "/again"], "") }
        #expect(throws: HTTPError.tooManyRedirects(server.authority)) {
            try client.fetch(Request(.get, WebAddress(server.origin)))
        }
        #expect(server.received.count < 20)
    }

    @Test(
        "A redirect to anything but http and https is refused",
        arguments: ["file:///etc/passwd", "ftp://h/", "gopher:"])
    func schemes(location: String) throws {
        let server = try FakeServer { try $0.reply(302, ["Location": location], "") }
        #expect(throws: HTTPError.self) { try client.fetch(Request(.get, WebAddress(server.origin))) }
    }
}

/// The parsing and printing of addresses.
@Suite struct WebAddressTests {
    @Test(
        "An address is parsed as it will be used",
        arguments: [
            ("http://Host", "http://host", "/"), ("https://host:443/a", "https://host", "/a"),
            ("http://host:443/a/../b?q#f", "http://host:443", "/b"), ("http://[::1]:5/x", "http://[::1]:5", "/x"),
            ("HTTP://host:80/%20", "http://host", "/%20"), ("http://h/a b", "http://h", "/a%20b"),
        ])
    func parts(text: String, origin: String, path: String) throws {
        let address = try WebAddress(text)
        #expect(address.origin == origin)
        #expect(address.path == path)
    }

    @Test(
        "Any other text is refused, and the error has no secret",
        arguments: [
            "", "host", "http://", "file:///etc/passwd", "https://user:hunter2@host/", "http://hunter2@h",
            "http://h:99999/", "http://h\r\nX: y/", "ftp://u:hunter2@h/?hunter2", "http://u:hunter2@h:x/?k=hunter2",
            "http://a@hunter2@h/",
        ])
    func refused(text: String) {
        let error = #expect(throws: HTTPError.self) { try WebAddress(text) }
        #expect(error.map { "\($0)".contains("hunter2") } == false)
    }

    @Test("A query is sent but not printed")
    func query() throws {
        let address = try WebAddress("https://host/path?signature=hunter2")
        #expect("\(address)" == "https://host/path")
        #expect(address.text == "https://host/path?signature=hunter2")
    }
}
