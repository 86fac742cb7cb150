/// Why a server could not be asked, or its answer not be used. What the server itself answered is a ``Response``.
///
/// `host` is the server's name and port. No case holds a header, a query or a password.
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

    /// Whether the same request may well succeed a moment later.
    public var isTransient: Bool {
        switch self {
        case .noConnection, .stalled, .interrupted: true
        default: false
        }
    }

    public var description: String {
        switch self {
        case .malformedAddress(let text, let reason): "'\(text)' cannot be used: \(reason)"
        case .malformedHeader(let name): "the value of the header \(name) holds a line break or a NUL"
        case .unknownHost(let host): "cannot find the host of \(host)"
        case .unreachable(let host): "cannot connect to \(host): nothing answers there"
        case .noConnection(let host, let seconds): "cannot connect to \(host): no connection within \(seconds) seconds"
        case .stalled(let host, let seconds, let speed):
            "\(host) is too slow: it moved less than \(speed) bytes per second for \(seconds) seconds"
        case .interrupted(let host): "the connection to \(host) ended in the middle"
        case .notTLS(let host, let reason): "cannot speak TLS with \(host): \(reason)"
        case .untrusted(let host, let reason): "cannot trust the certificate of \(host): \(reason)"
        case .noAuthorities(let host):
            "cannot check the certificate of \(host): this machine has no usable list of certificate authorities"
        case .clientCertificate(let host, let reason): "cannot use the client certificate for \(host): \(reason)"
        case .unknownProxy(let host): "cannot reach \(host): its proxy's host cannot be found"
        case .proxyRefused(let host, let status): "cannot reach \(host): the proxy answered with status \(status)"
        case .proxyFailed(let host, let reason): "cannot reach \(host): the proxy failed: \(reason)"
        case .malformedResponse(let host): "\(host) does not answer as an HTTP server"
        case .tooLarge(let host, let limit): "\(host) sends more than the \(limit) bytes that were expected"
        case .tooManyRedirects(let host): "\(host) redirects without end"
        case .unsafeRedirect(let host, let target):
            "\(host) redirects from https to \(target), where anybody could listen"
        case .shortBody(let host, let expected, let sent):
            "cannot send to \(host): the data ended after \(sent) of \(expected) bytes"
        case .failed(let host, let code, let reason): "the request to \(host) failed: \(reason) (curl \(code))"
        }
    }
}
