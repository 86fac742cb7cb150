import HTTP
import Linux
import OCI
import Registry
import Support
import SystemPackage
import Testing

/// Servers that send a little forever, and documents that refer to the same ones many times.
@Suite struct SlowTests {
    let space: Workspace

    init() throws { space = try Workspace() }

    /// Sends a layer byte by byte, as long as the client reads.
    private static func trickle(_ exchange: ServerExchange, _ image: Image) throws -> Bool {
        let layer = image.layers[0].descriptor
        guard exchange.request.method == "GET", exchange.request.path.hasSuffix("blobs/\(layer.digest)") else {
            return false
        }
        let bytes = try image.source.bytes(layer)
        let start = exchange.request.headers["range"].flatMap { Int($0.dropFirst(6).dropLast()) } ?? 0
        let headers = start > 0 ? ["Content-Range": "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"] : [:]
        try exchange.head(start > 0 ? 206 : 200, headers, length: bytes.count - start)
        let cancellation = try Cancellation()
        for byte in bytes[start...] {
            try exchange.write([byte])
            try cancellation.sleep(for: .milliseconds(100))
        }
        return true
    }

    private func client(_ log: Log, _ edit: (inout RegistryConfiguration) -> Void = { _ in }) throws -> RegistryClient {
        let settings = configuration {
            $0.http.stallTimeout = .seconds(1)
            $0.retry.tries = 2
            edit(&$0)
        }
        return try RegistryClient(settings) { log.add($0) }
    }

    @Test("A registry that sends a byte now and then is an error in one sentence, though each try makes progress")
    func trickle() async throws {
        let image = try space.sample([100_000])
        let registry = try FakeRegistry { exchange, _ in try Self.trickle(exchange, image) }
        try registry.add(image)
        let log = Log()
        let store = try Store(at: space.path.appending("other"))
        let error = await #expect(throws: RegistryError.self) {
            try await client(log).pull(registry.reference(), into: store)
        }
        #expect(
            "\(try #require(error))".hasSuffix(
                ": \(registry.server.authority) is too slow: it moved less than 1000 bytes per second for 1 seconds"))
        #expect(log.retries.count == 1)
        #expect(registry.count("GET /v2/app/blobs/\(image.layers[0].descriptor.digest)") == 2)
    }

    @Test("A registry that closes the connection after every byte ends the transfer after the resumptions")
    func closing() async throws {
        let image = try space.sample([100_000])
        let layer = image.layers[0].descriptor
        let bytes = try image.source.bytes(layer)
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.request.path.hasSuffix("blobs/\(layer.digest)") else { return false }
            let start = exchange.request.headers["range"].flatMap { Int($0.dropFirst(6).dropLast()) } ?? 0
            let headers = start > 0 ? ["Content-Range": "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"] : [:]
            try exchange.head(start > 0 ? 206 : 200, headers, length: bytes.count - start)
            try exchange.write([bytes[start]])
            // The client reads the byte before it sees the end.
            try Cancellation().sleep(for: .milliseconds(100))
            exchange.close()
            return true
        }
        try registry.add(image)
        let store = try Store(at: space.path.appending("other"))
        await #expect(throws: RegistryError.self) {
            try await client(Log()) {
                $0.http.stallTimeout = .seconds(60)
                $0.retry.resumptions = 6
            }.pull(registry.reference(), into: store)
        }
        #expect(registry.count("GET /v2/app/blobs/\(layer.digest)") == 7)
    }

    @Test("After a mirror that sends a byte now and then, the registry sends the rest")
    func mirror() async throws {
        let image = try space.sample([100_000])
        let mirror = try FakeRegistry { exchange, _ in try Self.trickle(exchange, image) }
        let upstream = try FakeRegistry()
        try mirror.add(image)
        try upstream.add(image)
        let file = try space.write(
            "registries.conf",
            """
            [[registry]]
            prefix = "registry.invalid/team"
            location = "\(upstream.server.authority)"
            [[registry.mirror]]
            location = "\(mirror.server.authority)"
            """)
        let log = Log()
        let store = try Store(at: space.path.appending("other"))
        let name = try Reference("registry.invalid/team/app:1")
        try await client(log) { $0.registries = [file] }.pull(name, into: store).validate()
        let path = "/v2/app/blobs/\(image.layers[0].descriptor.digest)"
        let rest = upstream.server.received.first { $0.path == path }
        #expect(try #require(rest).headers["range"] != nil)
        #expect(log.bytes(of: image.layers[0]) == image.layers[0].descriptor.size)
    }

    @Test("A list of tags whose pages lead to each other, or have no end, is an error", arguments: [1, 1_000_000])
    func list(pages: Int) async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.request.path.contains("/tags/list") else { return false }
            let page = exchange.request.path.split(separator: "=").last.flatMap { Int($0) } ?? 0
            let link = "</v2/app/tags/list?page=\((page + 1) % (pages + 1))>; rel=\"next\""
            try exchange.reply(200, ["Link": link], #"{"tags":["a"]}"#)
            return true
        }
        let error = await #expect(throws: RegistryError.self) {
            try await client(Log()).tags(of: registry.reference())
        }
        #expect("\(try #require(error))".contains("without an end"))
        #expect(registry.count("GET /v2/app/tags/list") <= 1000)
    }

    @Test("A pull fetches each document of an index of indexes once, a copy at most twice")
    func tower() async throws {
        let image = try space.sample([1000])
        let registry = try FakeRegistry()
        try registry.add(image)
        var level = [image.descriptor]
        for depth in 0..<6 {
            level = (0..<12).map { number in
                let bytes = Index(manifests: level, annotations: ["place": "\(depth)/\(number)"]).bytes
                let digest = Digest(of: bytes)
                registry.state.edit { $0.manifests["\(digest)"] = bytes }
                return Descriptor(mediaType: .index, digest: digest, size: Int64(bytes.count))
            }
        }
        let top = Index(manifests: level).bytes
        registry.state.edit { $0.manifests["top"] = top }
        let client = try client(Log())
        let store = try Store(at: space.path.appending("other"))
        try await client.pullAll(registry.reference("top"), into: store, as: Reference("tower:1"))
        let documents = 6 * 12 + 2
        #expect(registry.count("GET /v2/app/manifests/") == documents)
        try await client.copy(registry.reference("top"), to: registry.reference("copy"))
        #expect(registry.count("GET /v2/app/manifests/") <= 3 * documents)
        #expect(registry.count("PUT /v2/app/manifests/") == documents)
    }
}
