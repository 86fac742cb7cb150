/// An HTTP request of a probe, and the responses that pass.
///
/// Strings are bytes, and nothing but the language is used, because init shares this type.
public struct HTTPProbe: Equatable, Sendable {
    /// A range of status codes.
    public struct Statuses: Equatable, Sendable {
        /// The lowest one.
        public var first: UInt16
        /// The highest one.
        public var last: UInt16

        /// The codes from `first` to `last`.
        public init(_ first: UInt16, _ last: UInt16) {
            self.first = first
            self.last = last
        }
    }

    /// The port on the loopback address.
    public var port: UInt16
    /// The path with the query.
    public var path: [UInt8]
    /// The method, such as GET.
    public var method: [UInt8]
    /// The value of the field Host; empty for the loopback address and the port.
    public var host: [UInt8] = []
    /// Further header fields, each as `Name: value`; one of them may replace a field of the probe's own.
    public var headers: [[UInt8]] = []
    /// The request's body.
    public var body: [UInt8] = []
    /// The status codes that pass; without any, those from 200 to 399.
    public var statuses: [Statuses] = []
    /// Bytes that the response's body must contain; empty for any body.
    public var wanted: [UInt8] = []

    /// A GET of a path.
    public init(port: UInt16, path: [UInt8]) {
        self.port = port
        self.path = path
        method = bytes("GET")
    }

    /// True if a response with this status passes.
    public func accepts(_ status: UInt16) -> Bool {
        if statuses.isEmpty { return ProbeResult.Outcome.isSuccess(status) }
        for range in statuses where range.first <= status && status <= range.last { return true }
        return false
    }

    /// True if the response has no body whatever its header says.
    public var isHead: Bool { method == bytes("HEAD") }

    /// The bytes of the request.
    public var request: [UInt8] {
        var fields = [[UInt8]]()
        let host = host.isEmpty ? bytes("127.0.0.1:") + decimal(UInt64(port)) : host
        for field in [
            bytes("Host: ") + host, bytes("User-Agent: thaw"), bytes("Accept: */*"), bytes("Connection: close"),
        ] where !replaces(field) { fields.append(field) }
        if !body.isEmpty { fields.append(bytes("Content-Length: ") + decimal(UInt64(body.count))) }
        var request = method + bytes(" ") + path + bytes(" HTTP/1.1\r\n")
        for field in fields + headers { request += field + bytes("\r\n") }
        return request + bytes("\r\n") + body
    }

    /// True if one of the further fields has the name of this one.
    private func replaces(_ field: [UInt8]) -> Bool {
        let name = HTTPProbe.name(of: field)
        for header in headers where HTTPProbe.name(of: header) == name { return true }
        return false
    }

    private static func name(of field: [UInt8]) -> [UInt8] {
        var name: [UInt8] = []
        for byte in field {
            if byte == UInt8(ascii: ":") { break }
            name.append(byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte)
        }
        return name
    }
}
