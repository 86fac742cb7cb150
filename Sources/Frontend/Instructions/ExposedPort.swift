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
        func invalid(_ reason: String) -> Diagnostic { Diagnostic(position, "invalid containerPort: \(text)\(reason)") }
        let (address, transport) = text.cut(Ascii.slash) ?? (text, "tcp")
        let lower = transport.isEmpty ? "tcp" : transport.asciiLowercased
        guard ["tcp", "udp", "sctp"].contains(lower) else {
            throw Diagnostic(
                position, "invalid proto: \(transport)\(Suggestion.ending(for: lower, in: ["tcp", "udp", "sctp"]))")
        }
        let start = address.utf8.lastIndex(of: Ascii.colon).map { address.utf8.index(after: $0) }
        let range = start.map { address[$0...].utf8.text } ?? address
        guard !range.isEmpty else { throw Diagnostic(position, "no port specified: \(text)<empty>") }
        let (first, last) = range.cut(Ascii.dash) ?? (range, range)
        guard let low = port(first), let high = port(last) else { throw invalid("") }
        guard low <= high else { throw invalid(": the range ends before it starts") }
        return (low...high).map { ExposedPort(number: $0, transport: lower) }
    }

    private static func port(_ text: String) -> UInt16? {
        text.utf8.allSatisfy(\.isDigit) ? UInt16(text) : nil
    }
}
