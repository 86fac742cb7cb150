import Testing

// These are init's own source files, by symlink: an executable in Embedded Swift can't be imported.

@Suite("Accounts")
struct AccountsTests {
    private static let passwd = """
        root:x:0:0:root:/root:/bin/bash
        web:x:1000:1001:Web,,,:/srv/web:/usr/sbin/nologin
        1234:x:77:78::/odd:
        short:x
        homeless:x:5:6
        """
    private static let groups = """
        root:x:0:
        web:x:1001:
        extra:x:44:other,web
        more:x:45:web
        bad:x:notanumber:web
        88:x:99:
        """

    private struct Case: CustomTestStringConvertible {
        let text: String
        let user: UInt32
        let group: UInt32
        var supplementary: [UInt32] = []
        var home = "/"
        var testDescription: String { text }
    }

    private static let cases = [
        Case(text: "", user: 0, group: 0, home: "/root"),
        Case(text: "root", user: 0, group: 0, home: "/root"),
        Case(text: "web", user: 1000, group: 1001, supplementary: [44, 45, 0], home: "/srv/web"),
        Case(text: "1000", user: 1000, group: 1001, supplementary: [44, 45, 0], home: "/srv/web"),
        Case(text: "web:extra", user: 1000, group: 44, home: "/srv/web"),
        Case(text: "web:5000", user: 1000, group: 5000, home: "/srv/web"),
        Case(text: "web:", user: 1000, group: 1001, supplementary: [44, 45, 0], home: "/srv/web"),
        Case(text: ":extra", user: 0, group: 44, home: "/root"),
        Case(text: "4711", user: 4711, group: 0),
        Case(text: "4711:4712", user: 4711, group: 4712),
        Case(text: "1234", user: 1234, group: 0),
        Case(text: "77", user: 77, group: 78, home: "/odd"),
        Case(text: "short", user: 0, group: 0),
        Case(text: "homeless", user: 5, group: 6),
        Case(text: "web:88", user: 1000, group: 88, home: "/srv/web"),
    ]

    @Test("A user string is resolved as in Docker", arguments: cases)
    private func resolves(one: Case) throws {
        let identity = try #require(
            try? Accounts(passwd: Array(AccountsTests.passwd.utf8), group: Array(AccountsTests.groups.utf8))
                .account(of: Array(one.text.utf8)))
        #expect(identity.uid == one.user)
        #expect(identity.gid == one.group)
        #expect(identity.groups == [one.group] + one.supplementary)
        #expect(String(decoding: identity.home, as: UTF8.self) == one.home)
    }

    @Test(
        "A name that is in no file is refused",
        arguments: ["nobody", "web:nogroup", "-1", "4294967295", "99999999999"])
    func unknown(text: String) {
        let accounts = Accounts(passwd: Array(AccountsTests.passwd.utf8), group: Array(AccountsTests.groups.utf8))
        #expect((try? accounts.account(of: Array(text.utf8))) == nil)
    }

    @Test("Without account files root and numbers still work", arguments: ["", "0", "65534", "1:2"])
    func withoutFiles(text: String) {
        #expect((try? Accounts(passwd: [], group: []).account(of: Array(text.utf8))) != nil)
    }

    @Test("Account files with invalid content do not stop init")
    func hostileFiles() {
        for file in [":::\n\n:", "\u{0}:x:", String(repeating: ":", count: 10_000), "web:x:99999999999999999999:0"] {
            let accounts = Accounts(passwd: Array(file.utf8), group: Array(file.utf8))
            #expect((try? accounts.account(of: Array("web:web".utf8))) == nil)
        }
    }
}

@Suite("HTTP responses")
struct ResponseTests {
    private struct Case: CustomTestStringConvertible {
        let text: String
        let status: UInt16
        let byteCount: UInt64
        var closes = false
        var testDescription: String { text }
    }

    private static let cases = [
        Case(text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", status: 200, byteCount: 5),
        Case(text: "HTTP/1.0 200\r\nServer: x\r\n\r\nhello wide world", status: 200, byteCount: 16, closes: true),
        Case(text: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, byteCount: 0),
        Case(text: "HTTP/1.1 302 Found\ncontent-LENGTH:0\n\n", status: 302, byteCount: 0),
        Case(
            text: "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\nx", status: 500,
            byteCount: 1),
        Case(
            text:
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nT: r\r\n\r\n",
            status: 200, byteCount: 15),
    ]

    @Test("Status and body length are read, however the bytes arrive", arguments: cases, [1, 3, 10_000])
    private func reads(one: Case, length: Int) {
        var response = ResponseParser()
        let bytes = Array(one.text.utf8)
        for start in stride(from: 0, to: bytes.count, by: length) {
            response.receive(Array(bytes[start..<min(start + length, bytes.count)]))
        }
        #expect(response.isComplete == !one.closes)
        if one.closes { response.close() }
        #expect(response.isComplete)
        #expect(response.status == one.status)
        #expect(response.byteCount == one.byteCount)
    }

    @Test(
        "An invalid response is malformed",
        arguments: [
            "SSH-2.0-OpenSSH\r\n", "HTTP/1.1\r\n", "HTTP/1.1 abc OK\r\n", "HTTP/1.1 99 Low\r\n", "\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
        ])
    func malformed(text: String) {
        var response = ResponseParser()
        response.receive(Array(text.utf8))
        #expect(response.isMalformed)
    }

    @Test(
        "A truncated response is malformed",
        arguments: ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"])
    func early(text: String) {
        var response = ResponseParser()
        response.receive(Array(text.utf8))
        response.close()
        #expect(response.isMalformed)
        #expect(!response.isComplete)
    }

    @Test("An endless line costs no memory and no time")
    func endless() {
        var response = ResponseParser()
        let piece = [UInt8](repeating: 0x41, count: 65_536)
        for _ in 0..<64 { response.receive(piece) }
        response.receive(Array("\r\n".utf8))
        #expect(response.isMalformed)
    }
}
