/// The reason that a request failed or its response cannot be used.
///
/// A status that the server sent is no error but a ``Response``. `host` is the server's name and port. No case holds a
/// header, a query or a password.
public enum HTTPError: Error, Sendable, Equatable, CustomStringConvertible {
    case malformedAddress(String, reason: String)
    case malformedHeader(String)
    case unknownHost(String)
    case unreachable(String)
    case noConnection(String, seconds: Int64)
    /// The transfer stayed below `bytesPerSecond` for `seconds`.
    case stalled(String, seconds: Int64, bytesPerSecond: Int)
    case interrupted(String)
    case notTLS(String, reason: String)
    case untrusted(String, reason: String)
    case noAuthorities(String)
    case clientCertificate(String, reason: String)
    case unknownProxy(String)
    case proxyRefused(String, status: Int)
    case proxyFailed(String, reason: String)
    case malformedResponse(String)
    case tooLarge(String, limit: Int64)
    case tooManyRedirects(String)
    case unsafeRedirect(String, to: String)
    case shortBody(String, expected: Int64, sent: Int64)
    case failed(String, code: Int, reason: String)

    /// True if the same request may well succeed a moment later.
    public var isTransient: Bool {
        switch self {
        case .noConnection, .stalled, .interrupted: true
        default: false
        }
    }

    public var description: String {
        switch self {
        case .malformedAddress(let text, let reason): "cannot use the address '\(text)': \(reason)"
        case .malformedHeader(let name): "the value of the header \(name) holds a line break or a NUL"
        case .unknownHost(let host): "cannot resolve the host name of \(host)"
        case .unreachable(let host): "cannot connect to \(host): no server accepts connections there"
        case .noConnection(let host, let seconds): "cannot connect to \(host): no connection within \(seconds) seconds"
        case .stalled(let host, let seconds, let speed):
            "\(host) is too slow: it moved less than \(speed) bytes per second for \(seconds) seconds"
        case .interrupted(let host): "the connection to \(host) closed before the transfer was complete"
        case .notTLS(let host, let reason): "cannot use TLS with \(host): \(reason)"
        case .untrusted(let host, let reason): "cannot trust the certificate of \(host): \(reason)"
        case .noAuthorities(let host):
            "cannot check the certificate of \(host): this machine has no usable certificate authorities"
        case .clientCertificate(let host, let reason): "cannot use the client certificate for \(host): \(reason)"
        case .unknownProxy(let host): "cannot reach \(host): the proxy's host name cannot be resolved"
        case .proxyRefused(let host, let status): "cannot reach \(host): the proxy answered with status \(status)"
        case .proxyFailed(let host, let reason): "cannot reach \(host): the proxy failed: \(reason)"
        case .malformedResponse(let host): "the response of \(host) is not HTTP"
        case .tooLarge(let host, let limit): "the response of \(host) is larger than the limit of \(limit) bytes"
        case .tooManyRedirects(let host): "\(host) redirects too often"
        case .unsafeRedirect(let host, let target):
            "\(host) redirects from https to \(target), which is not encrypted"
        case .shortBody(let host, let expected, let sent):
            "cannot send to \(host): the data ended after \(sent) of \(expected) bytes"
        case .failed(let host, let code, let reason): "the request to \(host) failed: \(reason) (curl \(code))"
        }
    }
}
