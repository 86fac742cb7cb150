internal import HTTP
internal import Linux
internal import OCI
internal import Synchronization

/// The requests of one operation: with authorization, statuses as errors, and retries.
///
/// Everything here blocks.
struct RegistrySession: Sendable {
    let client: HTTPClient
    let authorizer: Authorizer
    let retry: Retry
    let cancellation: Cancellation
    let report: @Sendable (TransferEvent) -> Void
    private let answeringHosts = AnsweringHosts()

    init(
        client: HTTPClient, authorizer: Authorizer, retry: Retry, cancellation: Cancellation,
        report: @Sendable @escaping (TransferEvent) -> Void
    ) {
        (self.client, self.authorizer, self.retry) = (client, authorizer, retry)
        (self.cancellation, self.report) = (cancellation, report)
    }

    /// One request to a registry.
    struct RegistryCall {
        var method: HTTP.Method
        var endpoint: Endpoint
        /// A path below `/v2/`, or a whole address from the registry.
        var target: RequestTarget
        var scopes: Set<TokenScope>
        /// The purpose in errors: `pull HOST/PATH:TAG`.
        var action: String
        var headers = Headers()
        var body: RequestBody?
        /// The statuses that are no error.
        var expected: Set<Int> = [200]

        enum RequestTarget {
            case path(String, query: [(String, String)] = [])
            case address(WebAddress)
        }
    }

    /// Sends a request once, or twice if the first response contains a new challenge.
    ///
    /// - Throws: ``RegistryError`` for every unexpected status.
    func open(_ call: RegistryCall) throws -> ResponseStream {
        do {
            let stream = try authorized(call)
            if call.expected.contains(stream.response.status) { return stream }
            throw refusal(stream, call)
        } catch let error as HTTPError {
            throw RegistryError.connection(call.action, error)
        }
    }

    /// Sends a request and reads the whole response.
    func fetch(_ call: RegistryCall, limit: Int) throws -> (response: Response, content: [UInt8]) {
        let stream = try open(call)
        do {
            return (stream.response, try stream.readAll(limit: limit))
        } catch let error as HTTPError {
            throw RegistryError.connection(call.action, error)
        }
    }

    /// Runs `body` until it succeeds, fails for good, or has failed too often in a row.
    func retrying<T>(_ body: () throws -> T) throws -> T {
        var count = RetryCount()
        return try retrying(&count, progress: { 0 }, body)
    }

    /// Runs one request of a transfer until it succeeds, fails for good, or the transfer has failed too often.
    ///
    /// - Parameters:
    ///   - count: The failures of the transfer.
    ///   - progress: The transfer's offset in bytes.
    func retrying<T>(_ count: inout RetryCount, progress: () -> Int64, _ body: () throws -> T) throws -> T {
        while true {
            do {
                return try body()
            } catch {
                count.add(error, at: progress())
                guard count.total <= retry.resumptions,
                    let delay = retry.delay(after: error, count: count.consecutive, knows: answeringHosts.has)
                else { throw error }
                report(.retrying(reason: "\(error)", after: delay))
                try cancellation.sleep(for: delay)
            }
        }
    }

    private func authorized(_ call: RegistryCall) throws -> ResponseStream {
        let first = try send(call)
        // A redirect's target may send a challenge too; it must not get the registry's credentials.
        let base = try authorizer.base(call.endpoint, cancellation)
        guard first.response.status == 401, first.response.address.origin == base.origin,
            authorizer.recordChallenge(from: first.response, call.endpoint)
        else { return first }
        return try send(call)
    }

    private func send(_ call: RegistryCall) throws -> ResponseStream {
        let base = try authorizer.base(call.endpoint, cancellation)
        let address: WebAddress =
            switch call.target {
            case .path(let path, let query): try base.resolving("/v2/\(path)").appending(query)
            case .address(let address): address
            }
        var request = Request(call.method, address, headers: call.headers, body: call.body)
        if address.origin == base.origin {
            request.headers["Authorization"] = try authorizer.authorization(
                call.endpoint, scopes: call.scopes, action: call.action, cancellation: cancellation)
        }
        let stream = try client.open(request, cancellation)
        answeringHosts.add(address.authority)
        return stream
    }

    // MARK: - Refusals

    private func refusal(_ stream: ResponseStream, _ call: RegistryCall) -> RegistryError {
        let (response, host) = (stream.response, call.endpoint.host)
        let reason = explanation(stream)
        switch response.status {
        case 401:
            return .unauthorized(
                call.action, host: call.endpoint.registry, hadCredentials: authorizer.hasCredential(call.endpoint))
        case 403: return .denied(call.action, host: host, reason: reason)
        case 404: return .notFound(call.action, reason: reason)
        case 429, 500, 502, 503, 504:
            return .busy(
                call.action, host: host, status: response.status,
                retryAfter: Retry.seconds(response.headers["Retry-After"]))
        default: return .refused(call.action, host: host, status: response.status, reason: reason)
        }
    }

    /// Returns the code and message of the registry's first error, safe to print.
    private func explanation(_ stream: ResponseStream) -> String {
        guard let bytes = try? stream.readAll(limit: 64 << 10), let json = try? JSON(parsing: bytes, what: ""),
            let error = json["errors"]?.array?.first
        else { return "" }
        let parts = [error["code"]?.string, error["message"]?.string].compactMap(\.self)
        let text = parts.joined(separator: ", ").unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }
        return String(authorizer.redact(String(String.UnicodeScalarView(text))).prefix(200))
    }
}

/// The servers that have responded.
private final class AnsweringHosts: Sendable {
    private let hosts = Mutex<Set<String>>([])

    func has(_ host: String) -> Bool { hosts.withLock { $0.contains(host) } }
    func add(_ host: String) { hosts.withLock { _ = $0.insert(host) } }
}
