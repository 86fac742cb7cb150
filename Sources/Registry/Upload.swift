internal import HTTP
internal import OCI

/// The upload of a blob to a registry (OCI distribution spec, pushing blobs).
///
/// ```
/// HEAD ─► there? done
/// POST mount ─► linked? done
/// POST ─► PUT, whole                        small ones
///      └► PATCH … PATCH ─► PUT digest       resumable ones: GET returns the number of bytes received
/// ```
final class Upload {
    /// Opens the blob at an offset.
    typealias Reader = @Sendable (Int64) throws -> any ByteSource

    /// The largest blob in bytes that is sent in one request; larger ones are sent in resumable parts.
    private static let small: Int64 = 1 << 20
    /// The size of a part in bytes if a proxy rejects the whole.
    private static let part: Int64 = 16 << 20

    private let blob: Descriptor
    private let endpoint: Endpoint
    private let session: RegistrySession
    private let action: String
    private let partReader: PartReader
    private var uploadURL: WebAddress?
    private var offset: Int64 = 0
    private var partSize = Int64.max
    /// True if the last try failed during a request, so that the registry's offset is unknown.
    private var isUncertain = false

    init(_ blob: Descriptor, endpoint: Endpoint, session: RegistrySession, reader: @escaping Reader) {
        self.blob = blob
        self.endpoint = endpoint
        self.session = session
        partReader = PartReader(blob, reader)
        action = "push \(blob.digest) to \(endpoint.name)"
    }

    /// Sends the blob unless the registry has it or can mount it from one of `sources`, repositories of it.
    func run(from sources: [String]) throws -> TransferEvent.BlobOrigin {
        if try session.retrying({ try isPresent() }) { return .present }
        for source in sources where try isMounted(from: source) { return .mounted }
        session.report(.began(blob))
        var failures = RetryCount()
        try session.retrying(&failures, progress: { offset }) {
            do {
                try proceed()
            } catch RegistryError.refused(_, _, 413, _) where partSize > Self.part && blob.size > Self.part {
                try startOver(parts: Self.part)
            }
        }
        return .moved
    }

    private func isPresent() throws -> Bool {
        let response = try session.open(
            call(.head, .path("\(endpoint.path)/blobs/\(blob.digest)"), expecting: 200, 404))
        return response.response.status == 200
    }

    /// Tries a mount; false if it is not allowed, since the blob itself may still be uploaded.
    private func isMounted(from source: String) throws -> Bool {
        do {
            return try session.retrying { try mount(from: source) }
        } catch RegistryError.unauthorized {
            return false
        } catch RegistryError.denied {
            return false
        }
    }

    /// Requests a mount; a registry that refuses begins an upload, which is then used.
    private func mount(from source: String) throws -> Bool {
        let fields = [("mount", blob.digest.description), ("from", source)]
        var call = call(.post, .path("\(endpoint.path)/blobs/uploads/", query: fields), expecting: 201, 202)
        call.scopes.insert(.pull(source))
        call.body = RequestBody([])
        let response = try session.open(call).response
        if response.status == 202 { uploadURL = try location(response) }
        return response.status == 201
    }

    /// Sends the missing bytes.
    private func proceed() throws {
        if isUncertain, try refreshOffset(), try isPresent() { return }
        let uploadURL = try uploadURL ?? begin()
        isUncertain = true
        if blob.size <= Self.small, offset == 0 {
            return try finish(uploadURL, body: body(from: 0, count: blob.size))
        }
        var next = uploadURL
        while offset < blob.size { next = try sendPart(next) }
        try finish(next, body: RequestBody([]))
    }

    /// Reads the upload's offset; true if the upload no longer exists and must begin again.
    private func refreshOffset() throws -> Bool {
        guard let uploadURL else { return true }
        let response = try session.open(call(.get, .address(uploadURL), expecting: 204, 400, 404, 416)).response
        isUncertain = false
        guard response.status == 204, let receivedByteCount = receivedByteCount(response),
            receivedByteCount <= blob.size
        else {
            self.uploadURL = nil
            offset = 0
            return true
        }
        offset = receivedByteCount
        self.uploadURL = try location(response, default: uploadURL)
        return false
    }

    private func begin() throws -> WebAddress {
        offset = 0
        var call = call(.post, .path("\(endpoint.path)/blobs/uploads/"), expecting: 202)
        call.body = RequestBody([])
        let uploadURL = try location(session.open(call).response)
        self.uploadURL = uploadURL
        return uploadURL
    }

    private func sendPart(_ uploadURL: WebAddress) throws -> WebAddress {
        let count = min(partSize, blob.size - offset)
        var call = call(.patch, .address(uploadURL), expecting: 202)
        call.headers["Content-Type"] = "application/octet-stream"
        if count < blob.size { call.headers["Content-Range"] = "\(offset)-\(offset + count - 1)" }
        call.body = body(from: offset, count: count)
        let response = try session.open(call).response
        let end = receivedByteCount(response) ?? offset + count
        guard end > offset, end <= offset + count else {
            throw RegistryError.malformedAnswer(
                action, host: endpoint.host, reason: "reports \(end) bytes received of \(blob.size)")
        }
        offset = end
        let next = try location(response, default: uploadURL)
        self.uploadURL = next
        return next
    }

    private func finish(_ uploadURL: WebAddress, body: RequestBody) throws {
        let address = try uploadURL.appending([("digest", blob.digest.description)])
        var call = call(.put, .address(address), expecting: 201, 204)
        call.headers["Content-Type"] = "application/octet-stream"
        call.body = body
        _ = try session.open(call)
        offset = blob.size
    }

    private func startOver(parts: Int64) throws {
        session.report(.retrying(reason: "\(endpoint.host) rejects the upload's size; sending parts", after: .zero))
        (partSize, uploadURL, offset, isUncertain) = (parts, nil, 0, false)
        try proceed()
    }

    // MARK: - Parts of requests

    private func call(_ method: HTTP.Method, _ target: RegistrySession.RegistryCall.RequestTarget, expecting: Int...)
        -> RegistrySession.RegistryCall
    {
        RegistrySession.RegistryCall(
            method: method, endpoint: endpoint, target: target, scopes: [.push(endpoint.path)], action: action,
            expected: Set(expecting))
    }

    private func body(from offset: Int64, count: Int64) -> RequestBody {
        let (blob, partReader, report) = (blob, partReader, session.report)
        return RequestBody(length: count) {
            try partReader.begin(at: offset)
            let end = offset + count
            return {
                let chunk = try partReader.next(before: end)
                report(.moved(blob, bytes: chunk.count))
                return chunk
            }
        }
    }

    private func location(_ response: Response, default uploadURL: WebAddress? = nil) throws -> WebAddress {
        guard let text = response.headers["Location"] else {
            if let uploadURL { return uploadURL }
            throw RegistryError.malformedAnswer(action, host: endpoint.host, reason: "sends no upload location")
        }
        do {
            return try response.address.resolving(text)
        } catch {
            throw RegistryError.connection(action, error)
        }
    }

    /// Returns the number of bytes received: `Range: 0-99` is 100; registries send `0-0` for none.
    private func receivedByteCount(_ response: Response) -> Int64? {
        guard let last = response.headers["Range"]?.split(separator: "-").last.flatMap({ Int64($0) }), last >= 0,
            last < .max
        else { return nil }
        return last == 0 ? 0 : last + 1
    }
}

/// Reads a blob part by part from one source, which is reopened only for a part at another offset.
///
/// `Sendable` because the one thread that runs the upload is the only one that uses it.
private final class PartReader: @unchecked Sendable {
    private let size: Int64
    private let reader: Upload.Reader
    private var source: (any ByteSource)?
    private var rest: ArraySlice<UInt8> = []
    private var position: Int64 = 0

    init(_ blob: Descriptor, _ reader: @escaping Upload.Reader) {
        size = blob.size
        self.reader = reader
    }

    func begin(at offset: Int64) throws {
        if source != nil, position == offset { return }
        source = try reader(offset)
        (rest, position) = ([], offset)
    }

    /// Returns the next chunk before `end`; empty at `end`.
    func next(before end: Int64) throws -> [UInt8] {
        guard let source, position < end else { return [] }
        if rest.isEmpty { rest = try source.next()[...] }
        let chunk = rest.prefix(Int(clamping: end - position))
        rest = rest.dropFirst(chunk.count)
        position += Int64(chunk.count)
        // A source verifies the blob at its end, so read up to there.
        if position == size, !chunk.isEmpty, rest.isEmpty { rest = try source.next()[...] }
        return Array(chunk)
    }
}
