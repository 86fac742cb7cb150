internal import CCurl

/// An `http` or `https` address, parsed by the parser that also connects to it.
///
/// The part after `?` may be a signature that grants access, so `description` omits it; ``text`` has everything.
public struct WebAddress: Hashable, Sendable, CustomStringConvertible {
    /// `http` or `https`.
    public let scheme: String
    /// The host in lower case; an IPv6 address in brackets.
    public let host: String
    /// The port; the scheme's default if none was written.
    public let port: Int
    /// The path, which begins with a slash.
    public let path: String
    /// The whole address.
    public let text: String

    /// Parses an absolute address.
    ///
    /// - Throws: ``HTTPError/malformedAddress(_:reason:)``, also for an address that carries a password.
    public init(_ text: String) throws(HTTPError) { try self.init([text]) }

    /// Resolves a `Location` header, absolute or relative, against this address.
    public func resolving(_ location: String) throws(HTTPError) -> WebAddress { try WebAddress([text, location]) }

    /// The scheme, host and port; credentials for one origin are not sent to another.
    public var origin: String { "\(scheme)://\(authority)" }

    /// The host, and the port if it is not the scheme's default.
    public var authority: String { port == Self.defaultPort(scheme) ? host : "\(host):\(port)" }

    /// True if the address is surely this machine.
    public var isLoopback: Bool {
        let isNumeric = host.utf8.allSatisfy { $0 == 0x2e || (0x30...0x39).contains($0) }
        return host == "localhost" || host == "[::1]" || isNumeric && host.hasPrefix("127.")
    }

    public var description: String { origin + path }

    private static func defaultPort(_ scheme: String) -> Int { scheme == "https" ? 443 : 80 }

    /// Parses an address and then those relative to it.
    private init(_ texts: [String]) throws(HTTPError) {
        guard let url = unsafe curl_url() else { throw .failed("this machine", code: 27, reason: "out of memory") }
        defer { unsafe curl_url_cleanup(url) }
        let shown = Self.withoutSecrets(texts.last ?? "")
        let flags = UInt32(CURLU_DISALLOW_USER | CURLU_URLENCODE)
        for text in texts {
            guard text.utf8.count <= 64 << 10 else { throw .malformedAddress(shown, reason: "it exceeds 64 KiB") }
            let result = unsafe curl_url_set(url, CURLUPART_URL, text, flags)
            if result == CURLUE_USER_NOT_ALLOWED {
                throw .malformedAddress(shown, reason: "it contains a user name or a password")
            }
            guard result == CURLUE_OK else {
                throw .malformedAddress(shown, reason: "an http:// or https:// address is expected")
            }
        }
        unsafe curl_url_set(url, CURLUPART_FRAGMENT, nil, 0)
        func part(_ part: CURLUPart, _ flags: UInt32 = 0) -> String? {
            var text: UnsafeMutablePointer<CChar>?
            guard unsafe curl_url_get(url, part, &text, flags) == CURLUE_OK, let text = unsafe text else { return nil }
            defer { unsafe curl_free(text) }
            return unsafe String(cString: text)
        }
        guard let scheme = part(CURLUPART_SCHEME), scheme == "http" || scheme == "https",
            let host = part(CURLUPART_HOST), !host.isEmpty,
            let port = part(CURLUPART_PORT, UInt32(CURLU_DEFAULT_PORT)).flatMap(Int.init),
            let whole = part(CURLUPART_URL)
        else { throw .malformedAddress(shown, reason: "an http:// or https:// address is expected") }
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port
        path = part(CURLUPART_PATH) ?? "/"
        text = whole
    }

    /// Removes user, password and query from an address, so that it can be printed.
    static func withoutSecrets(_ text: String) -> String {
        var shown = text.prefix { $0 != "?" && $0 != "#" }
        let start = shown.firstRange(of: "://")?.upperBound ?? shown.startIndex
        let end = shown[start...].firstIndex(of: "/") ?? shown.endIndex
        if let at = shown[start..<end].lastIndex(of: "@") { shown.removeSubrange(start...at) }
        return String(shown.prefix(300))
    }
}
