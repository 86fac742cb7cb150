public import OCI

/// A program's result of one probe, as fields that can be compared.
public struct ProbeRecord: Hashable, Sendable {
    /// A part of a probe result.
    public struct Field: Hashable, Sendable {
        /// The field's name: `status`, `header content-type`, `body`, `output`.
        public let name: String
        public let value: Value
    }

    /// The value of a field.
    public enum Value: Hashable, Sendable {
        /// A short text.
        case text(String)
        /// A stream of bytes.
        case content(StreamDigest)
    }

    /// The probe, as the user wrote it.
    public let probe: String
    /// The fields, in the order for people.
    public let fields: [Field]
    /// True if the probe passed.
    public let passes: Bool

    public init(_ probe: String, _ fields: [(String, Value)], passes: Bool) {
        self.probe = probe
        self.fields = fields.map { Field(name: $0.0, value: $0.1) }
        self.passes = passes
    }

    /// Makes the result of an HTTP probe; `head` is the response's status line and header.
    public static func http(_ probe: String, status: Int, head: [UInt8], body: StreamDigest, passes: Bool)
        -> ProbeRecord
    {
        let headers = ComparableHeaders(head).lines.map { ("header \($0.name)", Value.text($0.value)) }
        return ProbeRecord(
            probe, [("status", .text("\(status)"))] + headers + [("body", .content(body))], passes: passes)
    }

    /// Makes the result of a command.
    public static func command(
        _ probe: String, exitStatus: String, stdout: StreamDigest, stderr: StreamDigest, passes: Bool
    ) -> ProbeRecord {
        ProbeRecord(
            probe, [("ending", .text(exitStatus)), ("output", .content(stdout)), ("errors", .content(stderr))],
            passes: passes)
    }

    /// The result in a few words: the short fields except for the headers, and the lengths of the others.
    public var summary: String {
        let parts = fields.compactMap { field -> String? in
            switch field.value {
            case .text where field.name.hasPrefix("header "): nil
            case .text(let text): field.name == "status" ? "status \(text)" : text
            case .content(let content): field.name == "errors" && content.isEmpty ? nil : "\(content.byteCount) bytes"
            }
        }
        return parts.joined(separator: ", ")
    }

    /// The kind of the result; results of different kinds have no fields in common.
    var kind: String? { fields.first?.name }

    /// Returns the value of the field of that name.
    func value(of name: String) -> Value? { fields.first { $0.name == name }?.value }
}

/// A stream of bytes, of which the beginning and the digest of the whole are known.
public struct StreamDigest: Hashable, Sendable {
    /// The first bytes.
    public let prefix: [UInt8]
    /// The number of bytes.
    public let byteCount: UInt64
    /// The SHA-256 of all bytes.
    public let digest: Digest

    /// Makes a stream with a known beginning; `digest` is the 32 bytes of a SHA-256, or empty if unknown.
    public init(prefix: [UInt8], byteCount: UInt64, digest: [UInt8]) {
        self.prefix = prefix
        self.byteCount = byteCount
        let hex = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        self.digest = (try? Digest("sha256:\(hex)")) ?? Digest(of: prefix)
    }

    /// Makes a stream with known bytes.
    public init(_ bytes: [UInt8]) {
        self.init(prefix: bytes, byteCount: UInt64(bytes.count), digest: [])
    }

    var isEmpty: Bool { byteCount == 0 }
    /// True if the beginning is the whole stream.
    var isComplete: Bool { UInt64(prefix.count) == byteCount }
}
