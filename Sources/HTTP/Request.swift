/// A request's method.
public enum Method: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"

    /// True if a redirect may be followed by sending the same method without a body.
    var isReading: Bool { self == .get || self == .head }
}

/// A request to a server.
public struct Request: Sendable {
    /// The method.
    public var method: Method
    /// The server's address and path.
    public var address: WebAddress
    /// The fields beside those that the client writes itself.
    public var headers: Headers
    /// The body, if any.
    public var body: RequestBody?
    /// True if redirects are followed; `Authorization` and `Cookie` never go to another origin.
    public var followsRedirects = true

    public init(_ method: Method, _ address: WebAddress, headers: Headers = Headers(), body: RequestBody? = nil) {
        self.method = method
        self.address = address
        self.headers = headers
        self.body = body
    }
}

/// A request's body: a source that can be opened again for a redirect or a retry.
public struct RequestBody: Sendable {
    /// Returns the next chunk; an empty one is the end.
    public typealias Reader = () throws -> [UInt8]

    /// The number of bytes.
    public let length: Int64
    /// Opens the source at its first byte.
    public let open: @Sendable () throws -> Reader

    /// Makes a body of `length` bytes that `open` reads.
    public init(length: Int64, open: @Sendable @escaping () throws -> Reader) {
        self.length = length
        self.open = open
    }

    /// Makes a body in memory.
    public init(_ bytes: [UInt8]) {
        self.init(length: Int64(bytes.count)) {
            var rest = bytes
            return {
                defer { rest = [] }
                return rest
            }
        }
    }
}

/// A response without its body.
public struct Response: Sendable {
    /// The status code: 200.
    public let status: Int
    /// The response's header fields.
    public let headers: Headers
    /// The address that the response came from, after redirects.
    public let address: WebAddress

    /// The body's length in bytes, if the server sent it.
    public var contentLength: Int64? { headers["Content-Length"].flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil } }

    /// True for a status from 200 to 299.
    public var isSuccess: Bool { (200...299).contains(status) }
}
