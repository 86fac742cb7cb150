// The one home of JSON: every document that is read or written passes here.

/// A JSON value that keeps all that a document says, known to us or not.
///
/// A document is decoded once into this and typed views read it. Only an edited document is encoded again, with sorted
/// keys, so that equal values have equal bytes.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Every other number, as it is written: no digit is lost.
    case literal(String)
    case string(String)
    case array([JSON])
    case object([Key: JSON])

    /// Decodes one document in time and memory linear in its length.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var reader = try JSONReader(bytes)
        self = try reader.document()
    }

    /// The canonical bytes: keys sorted, nothing escaped that need not be, no white space.
    public var bytes: [UInt8] { encoded(isPretty: false) }

    /// The same on several lines, indented by two blanks.
    public var prettyBytes: [UInt8] { encoded(isPretty: true) + [UInt8(ascii: "\n")] }

    private func encoded(isPretty: Bool) -> [UInt8] {
        var writer = JSONWriter(isPretty: isPretty)
        writer.write(self)
        return writer.bytes
    }
}

extension JSON {
    /// A number in its shortest form; 0 for NaN and infinity, which JSON doesn't have.
    public static func number(_ value: Double) -> JSON {
        guard value.isFinite else { return .integer(0) }
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return .integer(whole) }
        let text = value.description
        return .literal(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }

    /// A whole number without a sign.
    public static func unsigned(_ value: UInt64) -> JSON {
        Int64(exactly: value).map(JSON.integer) ?? .literal("\(value)")
    }

    /// An array of texts.
    public static func strings(_ values: [String]) -> JSON { .array(values.map(JSON.string)) }

    /// An object of texts.
    public static func strings(_ values: [String: String]) -> JSON { members(values.mapValues(JSON.string)) }

    /// An object of these members.
    public static func members(_ values: [String: JSON]) -> JSON {
        .object(Dictionary(uniqueKeysWithValues: values.map { (Key($0.key), $0.value) }))
    }
}

extension JSON {
    /// The member `key` of an object; assigning nil removes it. Edits happen in place.
    public subscript(key: String) -> JSON? {
        get {
            guard case .object(let members) = self else { return nil }
            return members[Key(key)]
        }
        _modify {
            var members: [Key: JSON] = if case .object(let old) = self { old } else { [:] }
            // Only `members` holds the dictionary now, so that it is not copied.
            self = .null
            defer { self = .object(members) }
            yield &members[Key(key)]
        }
    }

    /// The member `key` of an object, or `value` where there is none.
    public subscript(key: String, default value: @autoclosure () -> JSON) -> JSON {
        get { self[key] ?? value() }
        _modify {
            var member = self[key] ?? value()
            // Only `member` holds what is edited, so that it is not copied.
            self[key] = .null
            defer { self[key] = member }
            yield &member
        }
    }

    /// The text, if this is one.
    public var string: String? { if case .string(let value) = self { value } else { nil } }

    /// The whole number, if this is one.
    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }

    /// The truth value, if this is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The elements, if this is an array.
    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }

    /// The members, if this is an object.
    public var object: [String: JSON]? {
        guard case .object(let members) = self else { return nil }
        return Dictionary(members.map { ($0.key.text, $0.value) }) { first, _ in first }
    }

    /// The texts of an array that holds nothing else.
    public var strings: [String]? {
        guard let array else { return nil }
        let texts = array.compactMap(\.string)
        return texts.count == array.count ? texts : nil
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (Key, JSON)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}
