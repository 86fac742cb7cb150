/// One port of EXPOSE in the image config.
public struct ExposedPort: Hashable, Sendable, Comparable {
    public let number: UInt16
    /// `tcp`, `udp` or `sctp`.
    public let transport: String

    /// The form of the image config, such as `80/tcp`.
    public var text: String { "\(number)/\(transport)" }

    /// Compares by number, then by transport.
    public static func < (left: ExposedPort, right: ExposedPort) -> Bool {
        (left.number, left.transport) < (right.number, right.transport)
    }

    /// Parses one word of EXPOSE: `[ip:][host:]port[-port][/transport]`.
    static func list(_ text: String, at position: Position) throws(Diagnostic) -> [ExposedPort] {
        func fault(_ message: String) -> Diagnostic { Diagnostic(position, message) }
        let (address, transport) = text.cut(Ascii.slash) ?? (text, "tcp")
        let lower = transport.isEmpty ? "tcp" : transport.asciiLowercased
        guard ["tcp", "udp", "sctp"].contains(lower) else {
            throw fault("invalid proto: \(transport)\(Suggestion.ending(for: lower, in: ["tcp", "udp", "sctp"]))")
        }
        let (ip, host, range) = parts(of: address)
        if !ip.isEmpty, !IPAddressText.isAddress(ip) {
            throw fault("invalid IP address: \(ip): EXPOSE takes no host names; write EXPOSE \(range)")
        }
        guard !range.isEmpty else { throw fault("no port specified: \(text)<empty>") }
        guard let ports = numbers(range) else { throw fault("invalid containerPort: \(text)") }
        guard !ports.isEmpty else { throw fault("invalid containerPort: \(text): the range ends before it starts") }
        if !host.isEmpty, numbers(host)?.isEmpty != false { throw fault("invalid hostPort: \(host)") }
        return ports.map { ExposedPort(number: $0, transport: lower) }
    }

    /// Splits `ip:host:port` at its last two colons.
    private static func parts(of address: String) -> (ip: String, host: String, port: String) {
        var parts = address.utf8.split(separator: Ascii.colon, omittingEmptySubsequences: false).map(\.text)
        let port = parts.popLast() ?? ""
        let host = parts.popLast() ?? ""
        return (parts.joined(separator: ":"), host, port)
    }

    /// Returns the ports of `port[-port]`; empty for a range that ends before it starts, nil for other text.
    private static func numbers(_ text: String) -> [UInt16]? {
        let (first, last) = text.cut(Ascii.dash) ?? (text, text)
        guard let low = port(first), let high = port(last) else { return nil }
        return low <= high ? Array(low...high) : []
    }

    private static func port(_ text: String) -> UInt16? {
        text.utf8.allSatisfy(\.isDigit) ? UInt16(text) : nil
    }
}

/// The texts of IP addresses.
enum IPAddressText {
    /// True for an IPv4 address, or an IPv6 address with or without brackets.
    static func isAddress(_ text: String) -> Bool {
        if isVersion4(text) { return true }
        let isBracketed = text.utf8.first == Ascii.openBracket && text.utf8.last == Ascii.closeBracket
        return isVersion6(isBracketed ? text.utf8.dropFirst().dropLast().text : text)
    }

    private static func isVersion4(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: Ascii.dot, omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                part.allSatisfy(\.isDigit) && UInt8(part.text) != nil && (part.count == 1 || part.first != 0x30)
            }
    }

    private static func isVersion6(_ text: String) -> Bool {
        var groups = text.utf8.split(separator: Ascii.colon, omittingEmptySubsequences: false).map(\.text)
        guard groups.count > 2 else { return false }
        if let last = groups.last, isVersion4(last) { groups.replaceSubrange((groups.count - 1)..., with: ["0", "0"]) }
        // `::` stands once for a run of zeros; at an end it leaves two empty groups.
        if groups.first == "" { groups.removeFirst() }
        if groups.last == "" { groups.removeLast() }
        let gaps = groups.count { $0.isEmpty }
        let isHex = groups.allSatisfy { group in
            group.isEmpty || group.utf8.count <= 4 && UInt16(group, radix: 16) != nil && group.utf8.first != 0x2B
        }
        return isHex && (gaps == 1 ? groups.count <= 8 : gaps == 0 && groups.count == 8)
    }
}
