import HTTP
import Linux
import OCI
import Support
import Synchronization
import SystemPackage
import Testing

@testable import Build

/// ADD of files on the web, with a server whose responses each test defines.
@Suite("Files on the web")
struct WebTests {
    /// Builds a Dockerfile without a base, and returns the entries of the last layer and the result.
    private static func build(
        _ dockerfile: String, in space: Workspace, _ configure: (inout BuildRequest) -> Void = { _ in }
    ) async throws -> (entries: [LayerEntry], result: BuildResult) {
        let path = try space.write("context/Dockerfile", "FROM scratch\n\(dockerfile)\n")
        var request = BuildRequest(context: .directory(path.removingLastComponent()), dockerfile: .file(path))
        request.web.stallTimeout = .seconds(1)
        configure(&request)
        let result = try await Builder(request, store: space.store).build()
        try await result.image.validate()
        guard let layer = result.image.layers.last else { return ([], result) }
        return (try space.store.entries(of: layer, in: result.image), result)
    }

    private static func lines(_ entries: [LayerEntry]) -> [String] {
        entries.map { entry in
            let metadata = entry.metadata
            return "\(entry.path) 0\(String(metadata.mode, radix: 8)) \(metadata.uid):\(metadata.gid) "
                + "\(metadata.mtime.seconds) \(entry.size)"
        }
    }

    private static let date = ["Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"]

    /// The instruction, the response's headers, and the expected entries.
    static let places: [(String, [String: String], [String])] = [
        ("ADD URL/a.txt /d/", date, ["/d 0755 0:0 0 0", "/d/a.txt 0600 0:0 784111777 4"]),
        ("ADD URL/a.txt /d", [:], ["/d 0600 0:0 0 4"]),
        ("ADD URL/a/ /d/", [:], ["/d 0755 0:0 0 0", "/d/__unnamed__ 0600 0:0 0 4"]),
        ("ADD URL/x%20y?z=1 /", [:], ["/x y 0600 0:0 0 4"]),
        ("ADD --chmod=755 --chown=5:6 URL/a.txt /", [:], ["/a.txt 0755 5:6 0 4"]),
        ("ADD --link URL/a.txt /d/", [:], ["/d 0755 0:0 0 0", "/d/a.txt 0600 0:0 0 4"]),
    ]

    @Test(
        "A file has mode 0600, owner root and the server's time, and a path as for a context's file", arguments: places)
    func placed(line: String, headers: [String: String], entries: [String]) async throws {
        let space = try Workspace()
        let server = try FakeServer { try $0.reply(200, headers, "text") }
        let made = try await Self.build(line.replacing("URL", with: server.origin), in: space)
        #expect(Self.lines(made.entries) == entries)
    }

    @Test("An unchanged file costs one request, a changed one a new layer")
    func conditional() async throws {
        let space = try Workspace()
        let content = Mutex("one")
        let server = try FakeServer { exchange in
            let text = content.withLock { $0 }
            let isKnown = exchange.request.headers["if-none-match"] == "\"\(text)\""
            try exchange.reply(isKnown ? 304 : 200, ["ETag": "\"\(text)\""], isKnown ? "" : text)
        }
        let line = "ADD \(server.origin)/f /"
        let first = try await Self.build(line, in: space).result
        let second = try await Self.build(line, in: space).result
        content.withLock { $0 = "two" }
        let third = try await Self.build(line, in: space).result
        #expect(first.image.layers == second.image.layers)
        #expect([first, second, third].map { $0.steps.map(\.isCached) } == [[false], [true], [false]])
        #expect(server.received.map { $0.headers["if-none-match"] } == [nil, "\"one\"", "\"one\""])
    }

    @Test("The same content from another address with the same name gives the same entry")
    func content() async throws {
        let space = try Workspace()
        let server = try FakeServer { try $0.reply(200, [:], "text") }
        _ = try await Self.build("ADD \(server.origin)/a/f /", in: space)
        let other = try FakeServer { try $0.reply(200, [:], "text") }
        // The sources' text is part of the key, so only the file itself is shared.
        let second = try await Self.build("ADD \(other.origin)/b/f /", in: space)
        #expect(Self.lines(second.entries) == ["/f 0600 0:0 0 4"])
    }

    @Test("A known checksum needs no request, a wrong one fails the step")
    func checksum() async throws {
        let space = try Workspace()
        let server = try FakeServer { try $0.reply(200, [:], "text") }
        let digest = Digest(of: Array("text".utf8))
        let line = "ADD --checksum=\(digest) \(server.origin)/f /"
        for _ in 0..<2 { _ = try await Self.build(line, in: space) }
        #expect(server.received.count == 1)
        let wrong = "ADD --checksum=\(Digest(of: [])) \(server.origin)/f /"
        let error = await #expect(throws: BuildError.self) { try await Self.build(wrong, in: space) }
        #expect(error?.description.hasSuffix("expected \(Digest(of: [])), found \(digest)") == true)
    }

    @Test(
        "--checksum needs one source from elsewhere",
        arguments: [
            "ADD --checksum=X Dockerfile /", "ADD --checksum=X URL/a URL/b /", "ADD --checksum=X URL/a <<E /\nE",
        ])
    func misplacedChecksum(line: String) async throws {
        let space = try Workspace()
        let server = try FakeServer { try $0.reply(200, [:], "text") }
        let text = line.replacing("URL", with: server.origin).replacing("X", with: "\(Digest(of: []))")
        let error = await #expect(throws: BuildError.self) { try await Self.build(text, in: space) }
        #expect(error?.description.contains("--checksum needs exactly one source") == true)
        #expect(server.received.isEmpty)
    }

    @Test("Archives are unpacked on request", arguments: [true, false])
    func unpack(isAsked: Bool) async throws {
        let space = try Workspace()
        let sink = MemorySink()
        let tar = TarWriter(sink)
        let (entry, text) = try file("in/f", "1")
        try tar.add(entry)
        try tar.write(text[...])
        try tar.finish()
        let server = try FakeServer { [bytes = sink.bytes] in try $0.reply(200, [:], bytes) }
        let flag = isAsked ? "--unpack=true " : ""
        let entries = try await Self.build("ADD \(flag)\(server.origin)/a.tar /d/", in: space).entries
        #expect(entries.map(\.path.description) == (isAsked ? ["/d", "/d/in", "/d/in/f"] : ["/d", "/d/a.tar"]))
    }

    @Test("One ADD can have files of the context, archives, heredocs and files on the web, in order")
    func mixed() async throws {
        let space = try Workspace()
        try space.write("context/plain", "1")
        let sink = MemorySink()
        let tar = TarWriter(sink)
        for (name, text) in [("from-tar", "2"), ("late", "tar")] {
            let (entry, bytes) = try file(name, text)
            try tar.add(entry)
            try tar.write(bytes[...])
        }
        try tar.finish()
        try Directory(space.path.appending("context")).replace("a.tar", with: sink.bytes)
        let server = try FakeServer { try $0.reply(200, [:], "web") }
        let made = try await Self.build("ADD plain a.tar \(server.origin)/late <<doc /d/\ntext\ndoc", in: space)
        let layer = try #require(made.result.image.layers.last)
        var contents: [String: String] = [:]
        let reader = try made.result.image.open(layer)
        while let entry = try reader.next() {
            var text = ""
            try reader.readContent { text += String(decoding: $0, as: UTF8.self) }
            if case .add(.file) = entry.change { contents[entry.path.description] = text }
        }
        #expect(contents == ["/d/plain": "1", "/d/from-tar": "2", "/d/late": "web", "/d/doc": "text\n"])
        let again = try await Self.build("ADD plain a.tar \(server.origin)/late <<doc /d/\ntext\ndoc", in: space)
        #expect(again.result.steps.map(\.isCached) == [true])
    }

    /// The server's behaviour, and the end of the error.
    static let faults: [(@Sendable (ServerExchange) throws -> Void, String)] = [
        ({ try $0.reply(404, [:], "no") }, "the server answered with status 404"),
        ({ try $0.reply(304, [:], "") }, "the server answered with status 304"),
        ({ try $0.reply(302, ["Location": "file:///etc/passwd"], "") }, "an http:// or https:// address is expected"),
        ({ try $0.reply(302, ["Location": "/again"], "") }, "redirects too often"),
        (
            {
                try $0.head(200, length: 1000)
                try $0.write([1])
                $0.close()
            }, "closed before the transfer was complete"
        ),
        (
            {
                try $0.head(200, length: nil)
                for _ in 0..<100 { try $0.write([UInt8](repeating: 0, count: 1 << 16)) }
            }, "the server sends more than 1048576 bytes"
        ),
        (
            {
                try $0.head(200, length: 10)
                _ = try $0.beginning(ofBody: 1)
            }, "moved less than 1000 bytes per second for 1 seconds"
        ),
    ]

    @Test("A misbehaving server fails the step with one sentence, and no file stays", arguments: 0..<faults.count)
    func failures(index: Int) async throws {
        let space = try Workspace()
        let (answer, complaint) = Self.faults[index]
        let server = try FakeServer(answer)
        let error = await #expect(throws: BuildError.self) {
            try await Self.build("ADD \(server.origin)/f /", in: space) { $0.downloadLimit = 1 << 20 }
        }
        #expect(error?.description.hasSuffix(complaint) == true, "\(error?.description ?? "")")
        let names = try space.store.root.directory("thaw/layers").entries().map {
            String(decoding: $0.name, as: UTF8.self)
        }
        #expect(names == ["boot"])
        #expect(try space.store.root.directory("thaw/ingest").entries().isEmpty)
    }

    @Test(
        "Secrets of the build are sent only to their host",
        arguments: [("HTTP_AUTH_TOKEN_", "Bearer abc"), ("HTTP_AUTH_HEADER_", "abc")])
    func secrets(name: String, header: String) async throws {
        let space = try Workspace()
        let other = try FakeServer { try $0.reply(200, [:], "text") }
        let server = try FakeServer { try $0.reply(302, ["Location": "\(other.origin)/f"], "") }
        let authority = server.authority
        let secret = try space.write("secret", "abc\n")
        _ = try await Self.build("ADD \(server.origin)/f /", in: space) {
            $0.secrets = [name + authority: .file(secret.string)]
        }
        #expect(server.received.map { $0.headers["authorization"] } == [header])
        #expect(other.received.map { $0.headers["authorization"] } == [nil])
    }

    @Test(
        "Secrets for git are sent to its server in a header",
        arguments: [
            ("GIT_AUTH_TOKEN", "basic eC1hY2Nlc3MtdG9rZW46YWJj"), ("GIT_AUTH_HEADER", "abc"),
            ("GIT_AUTH_TOKEN.other", nil),
        ] as [(String, String?)])
    func gitSecrets(name: String, header: String?) async throws {
        let space = try Workspace()
        let server = try FakeServer { try $0.reply(404, [:], "") }
        let secret = try space.write("secret", "abc\n")
        let error = await #expect(throws: BuildError.self) {
            try await Self.build("ADD \(server.origin)/r.git /", in: space) {
                $0.secrets = [name: .file(secret.string)]
            }
        }
        #expect(error?.description.contains("cannot fetch '\(server.origin)/r.git': ") == true)
        #expect(server.received.first?.headers["authorization"] == header)
    }

    @Test("A secret for git is not sent to the target of a redirect", arguments: ["GIT_AUTH_TOKEN", "GIT_AUTH_HEADER"])
    func gitRedirect(name: String) async throws {
        let space = try Workspace()
        let other = try FakeServer { try $0.reply(404, [:], "") }
        let server = try FakeServer { exchange in
            try exchange.reply(302, ["Location": other.origin + exchange.request.path], "")
        }
        let secret = try space.write("secret", "abc\n")
        await #expect(throws: BuildError.self) {
            try await Self.build("ADD \(server.origin)/r.git /", in: space) {
                $0.secrets = [name: .file(secret.string)]
            }
        }
        #expect(server.received.first?.headers["authorization"] != nil)
        #expect(other.received.isEmpty)
    }

    @Test("A context on the web is a tar, or a single Dockerfile", arguments: [true, false])
    func context(isTar: Bool) async throws {
        let space = try Workspace()
        let sink = MemorySink()
        let tar = TarWriter(sink)
        for (name, text) in [("Dockerfile", "FROM scratch\nCOPY f /\n"), (".dockerignore", "*\n"), ("f", "1")] {
            let (entry, bytes) = try file(name, text)
            try tar.add(entry)
            try tar.write(bytes[...])
        }
        try tar.finish()
        let content = isTar ? sink.bytes : Array("FROM scratch\nLABEL a=b\n".utf8)
        let server = try FakeServer { try $0.reply(200, [:], content) }
        let request = BuildRequest(context: .web(server.origin + "/x"))
        let result = try await Builder(request, store: space.store).build()
        #expect(result.image.layers.count == (isTar ? 1 : 0))
        #expect(result.image.config.labels == (isTar ? [:] : ["a": "b"]))
        #expect(server.received.count == 1)
    }

    @Test(
        "A hostile archive as a context is rejected with the entry's name",
        arguments: [("../up", "leaves the root"), ("/../x", "leaves the root"), ("a/../../b", "leaves the root")])
    func hostile(name: String, reason: String) async throws {
        let space = try Workspace()
        let bytes = TarBytes.file(named: name)
        let server = try FakeServer { try $0.reply(200, [:], bytes) }
        let error = await #expect(throws: OCIError.self) {
            try await Builder(BuildRequest(context: .web(server.origin + "/x")), store: space.store).build()
        }
        #expect(error?.description.hasSuffix("'\(name)' \(reason)") == true, "\(error?.description ?? "")")
    }
}

/// A malformed tar that usual programs don't write.
private enum TarBytes {
    static func file(named name: String) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        put(name, at: 0)
        put("0000644\0", at: 100)
        put("0000000\0", at: 108)
        put("0000000\0", at: 116)
        put("00000000000\0", at: 124)
        put("00000000000\0", at: 136)
        put("        ", at: 148)
        put("0", at: 156)
        put("ustar\u{0}00", at: 257)
        let sum = header.reduce(0) { $0 + Int($1) }
        let digits = String(sum, radix: 8)
        put(String(repeating: "0", count: 6 - digits.count) + digits + "\0 ", at: 148)
        return header + [UInt8](repeating: 0, count: 1024)
    }
}
