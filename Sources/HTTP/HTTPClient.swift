internal import Linux
internal import Synchronization

/// A client for HTTP servers, through the system's libcurl.
///
/// The blocking calls are for threads that may block; the async one runs them on such a thread. Connections stay open
/// for the next request to the same origin. This client follows redirects instead of libcurl, so that credentials for
/// one origin never go to another.
public struct HTTPClient: Sendable {
    /// The client's settings.
    public let configuration: HTTPConfiguration
    private let pool = ConnectionPool()

    /// Makes a client without connections.
    public init(_ configuration: HTTPConfiguration = HTTPConfiguration()) { self.configuration = configuration }

    private static let redirectLimit = 10

    /// Sends the request and returns once the head of the response has arrived; the caller reads its body.
    ///
    /// Blocks. A response of any status is no error.
    public func open(_ request: Request, _ cancellation: Cancellation? = nil) throws -> ResponseStream {
        var request = request
        for _ in 0...Self.redirectLimit {
            let stream = try openOnce(request, cancellation)
            guard let next = try Self.redirect(request, stream.response) else { return stream }
            request = next
        }
        throw HTTPError.tooManyRedirects(request.address.authority)
    }

    /// Sends the request and reads the whole response of at most `limit` bytes.
    ///
    /// Blocks.
    public func fetch(_ request: Request, limit: Int = 4 << 20, _ cancellation: Cancellation? = nil) throws -> (
        response: Response, content: [UInt8]
    ) {
        let stream = try open(request, cancellation)
        return (stream.response, try stream.readAll(limit: limit))
    }

    /// Sends the request and passes the body of the response to `receive`, chunk by chunk, on a thread that may block.
    ///
    /// Cancelling the task ends the transfer.
    public func send(
        _ request: Request, receive: @Sendable @escaping (Response, ArraySlice<UInt8>) throws -> Void = { _, _ in }
    ) async throws -> Response {
        try await Cancellation.offload { cancellation in
            let stream = try open(request, cancellation)
            while true {
                let chunk = try stream.next()
                if chunk.isEmpty { return stream.response }
                try receive(stream.response, chunk[...])
            }
        }
    }

    private func openOnce(_ request: Request, _ cancellation: Cancellation?) throws -> ResponseStream {
        let settings = Connection.Settings(
            configuration: configuration, trust: try configuration.trust(request.address))
        let start = ContinuousClock.now
        do {
            let stream = try ResponseStream(request, settings: settings, pool: pool, cancellation: cancellation)
            log(request, since: start, ("status", "\(stream.response.status)"))
            return stream
        } catch {
            log(request, since: start, ("error", "\(error)"))
            throw error
        }
    }

    /// Records a request without its headers and the part of its address after `?`, which may be credentials.
    private func log(_ request: Request, since start: ContinuousClock.Instant, _ result: DebugLog.Field) {
        let address = request.address
        DebugLog.event(
            "request",
            [
                ("method", request.method.rawValue), ("host", address.authority), ("path", address.path), result,
                ("ms", (ContinuousClock.now - start).millisecondsText),
            ])
    }

    /// Returns the request that follows a redirect; nil if the response is no redirect that we follow.
    static func redirect(_ request: Request, _ response: Response) throws -> Request? {
        guard request.followsRedirects, let location = response.headers["Location"] else { return nil }
        let hasNothingToSend = request.method.isReading && [301, 302, 303].contains(response.status)
        guard hasNothingToSend || [307, 308].contains(response.status) else { return nil }
        var next = request
        next.address = try request.address.resolving(location)
        guard request.address.scheme == "http" || next.address.scheme == "https" else {
            throw HTTPError.unsafeRedirect(request.address.authority, to: next.address.origin)
        }
        if next.address.origin != request.address.origin {
            for secret in ["Authorization", "Cookie", "Proxy-Authorization"] { next.headers[secret] = nil }
        }
        return next
    }
}

/// Idle connections by origin.
final class ConnectionPool: Sendable {
    private static let limit = 16
    private let idle = Mutex<[String: [Connection]]>([:])

    func take(_ origin: String) throws(HTTPError) -> Connection {
        if let connection = idle.withLock({ $0[origin]?.popLast() }) { return connection }
        return try Connection()
    }

    func release(_ connection: Connection, _ origin: String) {
        idle.withLock { idle in
            if idle[origin, default: []].count < Self.limit { idle[origin, default: []].append(connection) }
        }
    }
}
