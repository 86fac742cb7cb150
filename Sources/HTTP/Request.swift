/// A request's method.
public enum Method: String, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"

    /// Whether a redirect may be followed by asking the same of another place, with nothing to send again.
    var isReading: Bool { self == .get || self == .head }
}

/// What is asked of a server.
public struct Request: Sendable {
    /// What is to be done there.
    public var method: Method
    /// Where.
    public var address: WebAddress
    /// Fields beside those that the client writes itself.
    public var headers: Headers
    /// What is sent, if anything.
    public var body: Body?
    /// Whether redirects are followed; `Authorization` and `Cookie` never go to another origin.
    public var followsRedirects = true

    /// A request of these parts.
    public init(_ method: Method, _ address: WebAddress, headers: Headers = Headers(), body: Body? = nil) {
        self.method = method
        self.address = address
        self.headers = headers
        self.body = body
    }
}

/// What a request sends: a source that can be opened again, for a redirect or another try.
public struct Body: Sendable {
    /// Gives chunks until an empty one, which is the end.
    public typealias Reader = () throws -> [UInt8]

    /// How many bytes there are.
    public let length: Int64
    /// Starts from the first byte.
    public let open: @Sendable () throws -> Reader

    /// A body of `length` bytes that `open` gives.
    public init(length: Int64, open: @Sendable @escaping () throws -> Reader) {
        self.length = length
        self.open = open
    }

    /// A body in memory.
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

/// How a server answered, without the body.
public struct Response: Sendable {
    /// The status code: 200.
    public let status: Int
    /// The fields of the answer.
    public let headers: Headers
    /// Where the answer came from, after redirects.
    public let address: WebAddress

    /// The body's length, where the server told it.
    public var contentLength: Int64? { headers["Content-Length"].flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil } }

    /// Whether the server did what was asked.
    public var isSuccess: Bool { (200...299).contains(status) }
}
