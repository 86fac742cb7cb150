import Linux
import OCI
import Support
import Synchronization

/// A registry with the state of one repository, which a test can make fail in every way.
///
/// Each request goes to the test's `fault` first; if that returns true, it has sent the response.
final class FakeRegistry: Sendable {
    typealias Fault = @Sendable (ServerExchange, _ count: Int) throws -> Bool

    struct State {
        var blobs: [String: [UInt8]] = [:]
        var manifests: [String: [UInt8]] = [:]
        var uploads: [String: [UInt8]] = [:]
        /// The number of times that each request arrived: `GET /v2/x/blobs/…`.
        var counts: [String: Int] = [:]
    }

    let state: Storage
    let server: FakeServer
    /// The responses without faults.
    let handler: @Sendable (ServerExchange) throws -> Void

    final class Storage: Sendable {
        let mutex = Mutex(State())

        func edit<T: Sendable>(_ body: (inout State) throws -> T) rethrows -> T {
            try mutex.withLock { state in try body(&state) }
        }
    }

    init(_ fault: @escaping Fault = { _, _ in false }) throws {
        let state = Storage()
        self.state = state
        handler = { try Self.answer($0, state) }
        server = try FakeServer { exchange in
            let key = "\(exchange.request.method) \(exchange.request.path)"
            let count = state.edit { state in
                state.counts[key, default: 0] += 1
                return state.counts[key] ?? 0
            }
            if try fault(exchange, count) { return }
            try Self.answer(exchange, state)
        }
    }

    /// Returns a name in the registry.
    func reference(_ tag: String = "1") throws -> Reference { try Reference("\(server.authority)/app:\(tag)") }

    /// Adds an image as if it had been pushed.
    func add(_ image: Image, tag: String = "1") throws {
        var blobs = ["\(image.manifest.config.digest)": image.configBytes]
        for layer in image.layers { blobs["\(layer.descriptor.digest)"] = try image.source.bytes(layer.descriptor) }
        let (content, bytes, digest) = (blobs, image.manifestBytes, "\(image.descriptor.digest)")
        state.edit { state in
            state.blobs = content
            for name in [tag, digest] { state.manifests[name] = bytes }
        }
    }

    /// Returns the number of requests whose line begins with `prefix`.
    func count(_ prefix: String) -> Int {
        state.edit { $0.counts.filter { $0.key.hasPrefix(prefix) }.values.reduce(0, +) }
    }

    private static func answer(_ exchange: ServerExchange, _ state: Storage) throws {
        let parts = exchange.request.path.split(separator: "/").map(String.init)
        guard parts.count > 3 else { return try exchange.reply(200, [:], "{}") }
        let (kind, name) = (parts[2], parts[3])
        switch (exchange.request.method, kind) {
        case ("GET", "manifests"), ("HEAD", "manifests"): try giveManifest(exchange, state, name)
        case ("PUT", "manifests"):
            let bytes = try exchange.body()
            state.edit { state in
                for name in [name, "\(Digest(of: bytes))"] { state.manifests[name] = bytes }
            }
            try exchange.reply(201, ["Docker-Content-Digest": "\(Digest(of: bytes))"], "")
        case ("GET", "blobs") where name == "uploads":
            guard let arrived = state.edit({ $0.uploads[parts[4]]?.count }) else {
                return try exchange.reply(404, [:], "")
            }
            try exchange.reply(204, ["Location": exchange.request.path, "Range": "0-\(max(0, arrived - 1))"], "")
        case ("GET", "blobs"), ("HEAD", "blobs"): try giveBlob(exchange, state, name)
        case ("POST", "blobs"):
            _ = try exchange.body()
            let id = "\(UInt32.random(in: 0 ... .max))"
            state.edit { $0.uploads[id] = [] }
            try exchange.reply(202, ["Location": "/v2/app/blobs/uploads/\(id)?_state=s"], "")
        case ("PATCH", "blobs"): try takePart(exchange, state, parts[4])
        case ("PUT", "blobs"): try finish(exchange, state, parts[4])
        default: try exchange.reply(405, [:], "")
        }
    }

    private static func giveManifest(_ exchange: ServerExchange, _ state: Storage, _ name: String) throws {
        guard let bytes = state.edit({ $0.manifests[name] }) else {
            return try exchange.reply(
                404, [:], #"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}"#)
        }
        let type = (try? JSON(parsing: bytes, what: ""))?["mediaType"]?.string ?? MediaType.manifest.description
        try exchange.reply(200, ["Content-Type": type, "Docker-Content-Digest": "\(Digest(of: bytes))"], bytes)
    }

    private static func giveBlob(_ exchange: ServerExchange, _ state: Storage, _ name: String) throws {
        guard let bytes = state.edit({ $0.blobs[name] }) else { return try exchange.reply(404, [:], "") }
        guard let range = exchange.request.headers["range"], let start = Int(range.dropFirst(6).dropLast()) else {
            return try exchange.reply(200, [:], bytes)
        }
        let headers = ["Content-Range": "bytes \(start)-\(bytes.count - 1)/\(bytes.count)"]
        try exchange.reply(206, headers, Array(bytes[start...]))
    }

    private static func takePart(_ exchange: ServerExchange, _ state: Storage, _ id: String) throws {
        let bytes = try exchange.body()
        let arrived = state.edit { state in
            state.uploads[id]? += bytes
            return state.uploads[id]?.count ?? 0
        }
        try exchange.reply(202, ["Location": exchange.request.target, "Range": "0-\(arrived - 1)"], "")
    }

    private static func finish(_ exchange: ServerExchange, _ state: Storage, _ id: String) throws {
        let bytes = try exchange.body()
        let whole = state.edit { ($0.uploads.removeValue(forKey: id) ?? []) + bytes }
        let digest = "\(Digest(of: whole))"
        guard exchange.request.query.contains("digest=\(digest)") else {
            return try exchange.reply(400, [:], #"{"errors":[{"code":"DIGEST_INVALID","message":"it is not"}]}"#)
        }
        state.edit { $0.blobs[digest] = whole }
        try exchange.reply(201, ["Docker-Content-Digest": digest], "")
    }
}

extension BlobSource {
    /// Reads a blob of any size.
    func bytes(_ blob: Descriptor) throws -> [UInt8] { try read(blob, limit: .max) }
}

/// A counter of bytes, which also identifies the first upload.
final class Counter: Sendable {
    private let state = Mutex((total: 0, isFirst: true))

    var total: Int { state.withLock { $0.total } }

    /// True for the first read only.
    var isFirst: Bool {
        state.withLock { state in
            defer { state.isFirst = false }
            return state.isFirst
        }
    }

    func add(_ count: Int) { state.withLock { $0.total += count } }
}
