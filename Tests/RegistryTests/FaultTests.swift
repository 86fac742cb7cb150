import HTTP
import Harness
import Linux
import OCI
import Registry
import Support
import SystemPackage
import Testing

/// Faults of a registry: transfers recover if possible, and other faults are errors.
@Suite struct FaultTests {
    let space: Workspace

    init() throws { space = try Workspace() }

    private func target() throws -> Store { try Store(at: space.path.appending("other")) }

    /// Pulls an image from a registry with a fault.
    private func pull(
        _ image: Image, _ log: Log = Log(), _ fault: @escaping FakeRegistry.Fault
    ) async throws -> Image {
        let registry = try FakeRegistry(fault)
        try registry.add(image)
        let client = try RegistryClient(configuration()) { log.add($0) }
        return try await client.pull(registry.reference(), into: target())
    }

    private static func isLayer(_ exchange: ServerExchange, _ image: Image, _ index: Int) -> Bool {
        exchange.request.method == "GET"
            && exchange.request.path.hasSuffix("blobs/\(image.layers[index].descriptor.digest)")
    }

    // MARK: - Reading

    @Test(
        "A layer whose connection is cut repeatedly arrives in parts, none of them twice",
        arguments: [true, false])
    func resumes(resets: Bool) async throws {
        let image = try space.sample([4_000_000])
        let log = Log()
        let pulled = try await pull(image, log) { exchange, count in
            guard Self.isLayer(exchange, image, 0), count <= 3 else { return false }
            let bytes = try image.source.bytes(image.layers[0].descriptor)
            let start = exchange.request.headers["range"].flatMap { Int($0.dropFirst(6).dropLast()) } ?? 0
            let headers = start > 0 ? ["Content-Range": "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"] : [:]
            try exchange.head(start > 0 ? 206 : 200, headers, length: bytes.count - start)
            try exchange.write(Array(bytes[start..<(start + 900_000)]))
            if resets { exchange.reset() } else { exchange.close() }
            return true
        }
        try await pulled.validate()
        #expect(log.retries.count == 3)
        // A reset discards bytes on the way; bytes that were read are never requested again.
        #expect(log.bytes(of: image.layers[0]) == image.layers[0].descriptor.size)
    }

    @Test("A server without ranges sends the whole blob again, and only the missing part is used")
    func noRanges() async throws {
        let image = try space.sample([4_000_000])
        let log = Log()
        let pulled = try await pull(image, log) { exchange, count in
            guard Self.isLayer(exchange, image, 0) else { return false }
            let bytes = try image.source.bytes(image.layers[0].descriptor)
            try exchange.head(200, length: bytes.count)
            try exchange.write(count == 1 ? Array(bytes.prefix(1_000_001)) : bytes)
            if count == 1 { exchange.close() }
            return true
        }
        try await pulled.validate()
        #expect(log.bytes(of: image.layers[0]) == image.layers[0].descriptor.size)
    }

    @Test(
        "Requests are retried after status 429 and 5xx, with the delay of Retry-After",
        arguments: [(429, "0"), (500, nil), (503, "Wed, 21 Oct 2015 07:28:00 GMT"), (502, nil), (504, "nonsense")])
    func busy(status: Int, wait: String?) async throws {
        let image = try space.sample([1000])
        let log = Log()
        let pulled = try await pull(image, log) { exchange, count in
            guard count <= 2, exchange.request.path.hasPrefix("/v2/app") else { return false }
            try exchange.reply(status, wait.map { ["Retry-After": $0] } ?? [:], "")
            return true
        }
        try await pulled.validate()
        #expect(log.retries.allSatisfy { $0.contains("status \(status)") })
        #expect(log.retries.count >= 4)
    }

    @Test("Retries end if a server stays busy, and at once if it requires a long delay", arguments: [nil, "3600"])
    func alwaysBusy(wait: String?) async throws {
        let image = try space.sample([1000])
        let log = Log()
        let error = await #expect(throws: RegistryError.self) {
            try await pull(image, log) { exchange, _ in
                guard exchange.request.path.contains("/manifests/") else { return false }
                try exchange.reply(429, wait.map { ["Retry-After": $0] } ?? [:], "")
                return true
            }
        }
        #expect(log.retries.count == (wait == nil ? 4 : 0))
        let words = wait == nil ? "limits the rate of requests (status 429)" : "after 1 h"
        #expect("\(try #require(error))".contains(words))
    }

    @Test("Another 4xx is never retried", arguments: [400, 403, 404, 405, 418])
    func refused(status: Int) async throws {
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.request.path.contains("/manifests/") else { return false }
            try exchange.reply(status, [:], #"{"errors":[{"code":"NOPE","message":"not\u001b[31m you"}]}"#)
            return true
        }
        let client = try RegistryClient(configuration())
        let name = try registry.reference()
        let error = await #expect(throws: RegistryError.self) { try await client.manifest(name) }
        #expect(registry.count("GET /v2/app/manifests/") == 1)
        let text = "\(try #require(error))"
        #expect(text.contains("\(name)"))
        #expect(text.contains("NOPE, not[31m you"))
        #expect(!text.contains("\u{1b}"))
    }

    @Test("A layer with other, more or fewer bytes is refused and leaves no file", arguments: [0, 1, 2])
    func wrongContent(kind: Int) async throws {
        let image = try space.sample([3_000_000, 10])
        let error = await #expect(throws: RegistryError.self) {
            try await pull(image) { exchange, _ in
                guard Self.isLayer(exchange, image, 0) else { return false }
                var bytes = try image.source.bytes(image.layers[0].descriptor)
                switch kind {
                case 0: bytes[1_000_000] ^= 1
                case 1: bytes += [UInt8](repeating: 0, count: 5_000_000)
                default: bytes.removeLast()
                }
                try exchange.reply(200, [:], bytes)
                return true
            }
        }
        guard case .wrongContent? = error else {
            Issue.record("\(error.map { "\($0)" } ?? "")")
            return
        }
        let store = try target()
        #expect(try store.images().isEmpty)
        #expect(try !store.has(image.layers[0].descriptor))
        #expect(try store.root.directory("thaw/ingest").entries().isEmpty)
    }

    @Test("A manifest other than the requested one is refused", arguments: [true, false])
    func wrongManifest(byDigest: Bool) async throws {
        let (image, other) = (try space.sample([10]), try space.sample([20]))
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.request.path.contains("/manifests/") else { return false }
            try exchange.reply(
                200,
                [
                    "Content-Type": MediaType.manifest.description,
                    "Docker-Content-Digest": "\(image.descriptor.digest)",
                ],
                other.manifestBytes)
            return true
        }
        let client = try RegistryClient(configuration())
        let name = try Reference("\(registry.server.authority)/app\(byDigest ? "@\(image.descriptor.digest)" : "")")
        let wrong = OCIError.blobMismatch(image.descriptor.digest, found: other.descriptor.digest)
        await #expect(
            throws: RegistryError.wrongContent("pull \(name)", host: registry.server.authority, wrong)
        ) { try await client.manifest(name) }
    }

    @Test(
        "A manifest that is invalid, of schema 1, endless or with foreign layers is refused with a sentence",
        arguments: [
            ("<html>", "sends invalid JSON"), (#"{"schemaVersion":1,"name":"a"}"#, "schema 1"),
            ("[" + String(repeating: " ", count: 5 << 20), "larger than"),
            (
                #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":CONFIG,"layers":[{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":9,"urls":["http://x"]}]}"#,
                "foreign"
            ),
        ])
    func badManifest(text: String, sentence: String) async throws {
        let image = try space.sample([10])
        let json = image.manifest.config.json
        let bytes = Array(text.replacing("CONFIG", with: String(decoding: json.bytes, as: UTF8.self)).utf8)
        let error = await #expect(throws: RegistryError.self) {
            try await pull(image) { exchange, _ in
                guard exchange.request.path.contains("/manifests/") else { return false }
                try exchange.reply(200, ["Content-Type": MediaType.manifest.description], bytes)
                return true
            }
        }
        #expect("\(try #require(error))".contains(sentence))
    }

    @Test("A redirect of a blob to another host is followed, and that host sees no credentials")
    func redirect() async throws {
        let image = try space.sample([100_000])
        let other = try FakeServer { try $0.reply(200, [:], image.source.bytes(image.layers[0].descriptor)) }
        let registry = try FakeRegistry { exchange, _ in
            if exchange.request.headers["authorization"] == nil {
                try exchange.reply(401, ["WWW-Authenticate": "Basic realm=x"], "")
                return true
            }
            guard Self.isLayer(exchange, image, 0) else { return false }
            try exchange.reply(307, ["Location": "\(other.origin)/blob?X-Signature=1"], "")
            return true
        }
        try registry.add(image)
        let file = try space.write(
            "auth.json", #"{"auths":{"\#(registry.server.authority)":{"auth":"dXNlcjpzZXNhbWU="}}}"#)
        let client = try RegistryClient(configuration { $0.credentials = [file] })
        try await client.pull(registry.reference(), into: target()).validate()
        #expect(other.received.count == 1)
        #expect(other.received.allSatisfy { $0.headers["authorization"] == nil })
    }

    // MARK: - Writing

    @Test("An upload that is cut continues at the registry's offset", arguments: [true, false])
    func resumesUpload(forgets: Bool) async throws {
        let image = try space.sample([6_000_000])
        let size = Int(image.layers[0].descriptor.size)
        let registry = try FakeRegistry()
        let cutter = try Cutter(registry, after: 2_000_000, forgets: forgets)
        let log = Log()
        let client = try RegistryClient(configuration()) { log.add($0) }
        try await client.push(image, to: Reference("\(cutter.server.authority)/app:1"))
        let digest = "\(image.layers[0].descriptor.digest)"
        #expect(registry.state.edit { $0.blobs[digest]?.count } == size)
        #expect(log.retries.count == 1)
        // Bytes that had arrived are not sent again, unless the registry has lost them.
        #expect(cutter.arrived >= (forgets ? size + 2_000_000 : size))
        #expect(cutter.arrived < (forgets ? 2 * size + 3_000_000 : size + 1_000_000))
    }

    @Test("A proxy that refuses large bodies gets parts")
    func tooLarge() async throws {
        let image = try space.sample([20_000_000])
        let registry = try FakeRegistry { exchange, _ in
            guard let length = exchange.request.headers["content-length"].flatMap({ Int($0) }), length > 17 << 20 else {
                return false
            }
            try exchange.head(413, [:], length: 0)
            exchange.close()
            return true
        }
        let client = try RegistryClient(configuration())
        try await client.push(image, to: registry.reference())
        let digest = "\(image.layers[0].descriptor.digest)"
        #expect(registry.state.edit { $0.blobs[digest]?.count } == Int(image.layers[0].descriptor.size))
    }

    @Test("A blob that is damaged in the store is not pushed")
    func damaged() async throws {
        let image = try space.sample([1_000_000])
        let layer = image.layers[0].descriptor
        var bytes = try space.store.bytes(layer)
        bytes[500_000] ^= 1
        try space.store.root.replace(FilePath("blobs/sha256/\(layer.digest.hex)"), with: bytes)
        let registry = try FakeRegistry()
        let client = try RegistryClient(configuration())
        await #expect(throws: OCIError.self) { try await client.push(image, to: registry.reference()) }
        #expect(registry.state.edit { $0.manifests.isEmpty && $0.blobs["\(layer.digest)"] == nil })
    }

    // MARK: - Whole operations

    @Test("Cancelling a pull ends it, and nothing of it becomes visible")
    func cancels() async throws {
        let image = try space.sample([1_000_000, 2_000_000])
        let registry = try FakeRegistry { exchange, _ in
            guard Self.isLayer(exchange, image, 1) else { return false }
            try exchange.head(200, [:], length: 2_000_000)
            _ = try exchange.beginning(ofBody: 1)
            return true
        }
        try registry.add(image)
        let client = try RegistryClient(configuration { $0.http.stallTimeout = .seconds(60) })
        let (name, store) = (try registry.reference(), try target())
        let task = Task { try await client.pull(name, into: store) }
        while registry.count("GET /v2/app/blobs/\(image.layers[1].descriptor.digest)") == 0 { await Task.yield() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try store.images().isEmpty)
        #expect(try store.root.directory("thaw/ingest").entries().isEmpty)
    }

    @Test("The first failure ends all other transfers, and is the one reported", arguments: 0..<5)
    func firstFailure(turn: Int) async throws {
        let image = try space.sample([1000, 1000, 1000, 1000])
        let registry = try FakeRegistry { exchange, _ in
            guard exchange.request.path.contains("/blobs/sha256"), !Self.isConfig(exchange, image) else { return false }
            if Self.isLayer(exchange, image, turn % 4) {
                try exchange.reply(403, [:], "")
            } else {
                try exchange.head(200, [:], length: 1000)
                _ = try exchange.beginning(ofBody: 1)
            }
            return true
        }
        try registry.add(image)
        let client = try RegistryClient(configuration { $0.http.stallTimeout = .seconds(60) })
        let error = await #expect(throws: RegistryError.self) {
            try await client.pull(registry.reference(), into: target())
        }
        guard case .denied? = error else {
            Issue.record("\(error.map { "\($0)" } ?? "nothing")")
            return
        }
    }

    private static func isConfig(_ exchange: ServerExchange, _ image: Image) -> Bool {
        exchange.request.path.hasSuffix("\(image.manifest.config.digest)")
    }

    @Test("An operation ends with an error or a result, for any response of a registry", arguments: 0..<60)
    func random(seed: Int) async throws {
        let image = try space.sample([1000])
        let registry = try FakeRegistry { exchange, count in
            let dice = (seed &* 31 &+ count &* 17 &+ exchange.request.path.utf8.count) % 9
            let statuses = [200, 201, 202, 204, 206, 301, 307, 401, 416]
            let headers = [
                ["Location": "/v2/"], ["Location": "http://[::1"], ["Range": "0-99999999999999999999"],
                ["WWW-Authenticate": "Bearer realm=\"\", ,="], ["Content-Range": "bytes -5"], ["Content-Length": "0"],
                ["Link": "<>; rel=next"], ["Docker-Content-Digest": "sha256:"], [:],
            ]
            if dice == 8 { return false }
            try exchange.reply(statuses[(seed + count) % 9], headers[dice], "[{\"x\":")
            return true
        }
        try registry.add(image)
        let client = try RegistryClient(configuration { $0.retry.tries = 2 })
        let name = try registry.reference()
        await #expect(throws: (any Error).self) {
            try await client.push(image, to: name)
            try await client.pull(name, into: target())
            _ = try await client.tags(of: name)
            throw CancellationError()
        }
    }

    @Test("A blob is uploaded if its mount from another repository is refused", arguments: [401, 403])
    func refusedMount(status: Int) async throws {
        let registry = try FakeRegistry { exchange, _ in
            let request = exchange.request
            let isMount = request.method == "POST" && request.query.contains("mount=")
            guard isMount || request.method == "HEAD" else { return false }
            try exchange.reply(isMount ? status : 404, [:], isMount ? "{}" : "")
            return true
        }
        let events = Log()
        let client = try RegistryClient(configuration()) { events.add($0) }
        let image = try space.sample([1000])
        for name in ["first", "second"] {
            events.clear()
            try await client.push(image, to: Reference("\(registry.server.authority)/\(name):1"))
            #expect(events.outcomes == [.moved: 2])
        }
        #expect(registry.server.received.contains { $0.query.contains("mount=") })
    }
}

/// A proxy before a registry that cuts the first upload.
private final class Cutter: Sendable {
    let server: FakeServer
    private let counter: Counter

    init(_ registry: FakeRegistry, after count: Int, forgets: Bool) throws {
        let counter = Counter()
        self.counter = counter
        let state = registry.state
        let answer = registry.handler
        server = try FakeServer { exchange in
            guard exchange.request.method == "PATCH" else { return try answer(exchange) }
            guard counter.isFirst else {
                counter.add(Int(exchange.request.headers["content-length"] ?? "") ?? 0)
                return try answer(exchange)
            }
            let bytes = try exchange.beginning(ofBody: count)
            counter.add(bytes.count)
            let id = String(exchange.request.path.split(separator: "/").last ?? "")
            state.edit { state in
                if forgets { state.uploads[id] = nil } else { state.uploads[id]? += bytes }
            }
            exchange.reset()
        }
    }

    var arrived: Int { counter.total }
}
