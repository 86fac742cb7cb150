public import OCI

/// What a program answered one question, as fields that can be held against another's.
public struct Statement: Hashable, Sendable {
    /// A part of an answer.
    public struct Field: Hashable, Sendable {
        /// Its name: `status`, `header content-type`, `body`, `output`.
        public let name: String
        /// What it holds.
        public let value: Value
    }

    /// What a field holds.
    public enum Value: Hashable, Sendable {
        /// A few words.
        case text(String)
        /// A stream of bytes.
        case content(Content)
    }

    /// What was asked, as people write it.
    public let question: String
    /// The answer, in the order in which people read it.
    public let fields: [Field]
    /// Whether this is what the question is to come to.
    public let passes: Bool

    /// A statement of known parts.
    public init(_ question: String, _ fields: [(String, Value)], passes: Bool) {
        self.question = question
        self.fields = fields.map { Field(name: $0.0, value: $0.1) }
        self.passes = passes
    }

    /// An HTTP answer; `head` is its status line and header.
    public static func http(_ question: String, status: Int, head: [UInt8], body: Content, passes: Bool) -> Statement {
        let headers = Headers(head).lines.map { ("header \($0.name)", Value.text($0.value)) }
        return Statement(
            question, [("status", .text("\(status)"))] + headers + [("body", .content(body))], passes: passes)
    }

    /// A command that ended.
    public static func command(
        _ question: String, ending: String, output: Content, errors: Content, passes: Bool
    ) -> Statement {
        Statement(
            question, [("ending", .text(ending)), ("output", .content(output)), ("errors", .content(errors))],
            passes: passes)
    }

    /// The answer in a few words: its short fields except for the headers, and how long the others are.
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

    /// What sort of answer it is: answers of two sorts have no fields in common.
    var kind: String? { fields.first?.name }

    /// The field of that name.
    func value(of name: String) -> Value? { fields.first { $0.name == name }?.value }
}

/// A stream of bytes, of which the beginning is known and the digest of all.
public struct Content: Hashable, Sendable {
    /// The first bytes.
    public let beginning: [UInt8]
    /// How many there are.
    public let byteCount: UInt64
    /// The SHA-256 of all.
    public let digest: Digest

    /// A stream of which the beginning is known; `digest` are the bytes of a SHA-256, or none where there are none.
    public init(beginning: [UInt8], byteCount: UInt64, digest: [UInt8]) {
        self.beginning = beginning
        self.byteCount = byteCount
        let hex = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        self.digest = (try? Digest("sha256:\(hex)")) ?? Digest(of: beginning)
    }

    /// A stream of which all is known.
    public init(_ bytes: [UInt8]) {
        self.init(beginning: bytes, byteCount: UInt64(bytes.count), digest: [])
    }

    var isEmpty: Bool { byteCount == 0 }
    /// Whether the beginning is all.
    var isWhole: Bool { UInt64(beginning.count) == byteCount }
}
