internal import HTTP
internal import OCI

/// A blob as it arrives from a registry; after an early end of the connection it continues at its offset.
///
/// The reader checks size and digest.
final class Download: ByteSource {
    private let session: RegistrySession
    private let call: RegistrySession.RegistryCall
    private let blob: Descriptor
    private var offset: Int64
    private var failures: RetryCount
    private var stream: ResponseStream?
    /// The part of a chunk after the bytes that were skipped.
    private var ahead: [UInt8] = []

    /// Requests `blob` from `offset` on and waits for the head of the response.
    init(_ blob: Descriptor, endpoint: Endpoint, session: RegistrySession, action: String, from offset: Int64 = 0)
        throws
    {
        self.blob = blob
        self.session = session
        self.offset = offset
        failures = RetryCount(at: offset)
        call = RegistrySession.RegistryCall(
            method: .get, endpoint: endpoint, target: .path("\(endpoint.path)/blobs/\(blob.digest)"),
            scopes: [.pull(endpoint.path)], action: action)
        stream = try session.retrying { try open() }
    }

    func next() throws -> [UInt8] {
        let chunk = try session.retrying(&failures, progress: { offset }) { try tryNext() }
        offset += Int64(chunk.count)
        return chunk
    }

    private func tryNext() throws -> [UInt8] {
        do {
            let stream = try stream ?? open()
            self.stream = stream
            defer { ahead = [] }
            return ahead.isEmpty ? try stream.next() : ahead
        } catch let error as HTTPError {
            stream = nil
            // All bytes have arrived; only the end of the response was lost.
            if offset == blob.size { return [] }
            throw RegistryError.connection(call.action, error)
        }
    }

    /// Requests the missing bytes.
    ///
    /// A server without support for ranges sends the whole blob, of which the known part is skipped.
    private func open() throws -> ResponseStream {
        var call = call
        if offset > 0, offset < blob.size {
            call.headers["Range"] = "bytes=\(offset)-"
            call.expected = [200, 206]
        }
        let stream = try session.open(call)
        let start = stream.response.status == 206 ? try beginning(stream.response) : 0
        guard start <= offset else {
            throw RegistryError.malformedAnswer(
                call.action, host: call.endpoint.host, reason: "sends a different range than requested")
        }
        try pass(offset - start, of: stream)
        return stream
    }

    /// Returns the first byte's offset in a partial response: `Content-Range: bytes 100-199/200`.
    private func beginning(_ response: Response) throws(RegistryError) -> Int64 {
        let text = response.headers["Content-Range"] ?? ""
        guard text.hasPrefix("bytes "), let start = Int64(text.dropFirst(6).prefix { $0 != "-" }), start >= 0 else {
            throw .malformedAnswer(
                call.action, host: call.endpoint.host, reason: "sends a range without a valid Content-Range")
        }
        return start
    }

    private func pass(_ count: Int64, of stream: ResponseStream) throws {
        ahead = []
        var left = count
        while left > 0 {
            let chunk = try stream.next()
            if chunk.isEmpty { return }
            if left < Int64(chunk.count) { ahead = Array(chunk[Int(left)...]) }
            left -= Int64(chunk.count)
        }
    }
}

/// A download that continues at the next endpoint, from its offset, after one has failed finally.
final class MirroredDownload: ByteSource {
    private let session: RegistrySession
    private let open: (Endpoint, Int64) throws -> any ByteSource
    /// The endpoints that were not tried yet, the registry itself last.
    private var left: ArraySlice<Endpoint>
    private var current: (any ByteSource)?
    private var offset: Int64

    /// Opens the download at the first endpoint that has it; there is at least one.
    init(
        _ endpoints: [Endpoint], _ session: RegistrySession, from offset: Int64,
        open: @escaping (Endpoint, Int64) throws -> any ByteSource
    ) throws {
        (left, self.session, self.offset, self.open) = (endpoints[...], session, offset, open)
        _ = try trying { $0 }
    }

    func next() throws -> [UInt8] {
        let chunk = try trying { try $0.next() }
        offset += Int64(chunk.count)
        return chunk
    }

    /// Returns the result of the first endpoint that succeeds, or throws the error of the last one.
    private func trying<T>(_ body: (any ByteSource) throws -> T) throws -> T {
        while true {
            do {
                if let current { return try body(current) }
                guard let endpoint = left.popFirst() else { preconditionFailure("the last failure was thrown") }
                current = try open(endpoint, offset)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                if left.isEmpty { throw error }
                current = nil
                session.report(.retrying(reason: "\(error)", after: .zero))
            }
        }
    }
}
