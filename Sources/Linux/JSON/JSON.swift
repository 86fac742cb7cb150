// The one JSON implementation, for every document that thaw reads or writes.

/// A JSON value that keeps all content of a document, including unknown members.
///
/// A document is decoded once into this, and typed views read it. Only an edited document is encoded again, with sorted
/// keys, so that equal values have equal bytes.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// Any other number, as it is written, so no digit is lost.
    case literal(String)
    case string(String)
    case array([JSON])
    case object([Key: JSON])

    /// Decodes one document in time and memory linear in its length.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var reader = try JSONReader(bytes)
        self = try reader.document()
    }

    /// The canonical bytes: keys sorted, minimal escapes, no white space.
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
    /// Returns a number in its shortest form; 0 for NaN and infinity, which JSON doesn't have.
    public static func number(_ value: Double) -> JSON {
        guard value.isFinite else { return .integer(0) }
        if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 { return .integer(whole) }
        let text = value.description
        return .literal(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }

    /// Returns an unsigned whole number.
    public static func unsigned(_ value: UInt64) -> JSON {
        Int64(exactly: value).map(JSON.integer) ?? .literal("\(value)")
    }

    /// Returns an array of strings.
    public static func strings(_ values: [String]) -> JSON { .array(values.map(JSON.string)) }

    /// Returns an object of strings.
    public static func strings(_ values: [String: String]) -> JSON { members(values.mapValues(JSON.string)) }

    /// Returns an object of these members.
    public static func members(_ values: [String: JSON]) -> JSON {
        .object(Dictionary(uniqueKeysWithValues: values.map { (Key($0.key), $0.value) }))
    }
}

extension JSON {
    /// The member `key` of an object, edited in place; assigning nil removes it.
    public subscript(key: String) -> JSON? {
        get {
            guard case .object(let members) = self else { return nil }
            return members[Key(key)]
        }
        _modify {
            var members: [Key: JSON] = if case .object(let old) = self { old } else { [:] }
            // Now only `members` references the dictionary, so it isn't copied.
            self = .null
            defer { self = .object(members) }
            yield &members[Key(key)]
        }
    }

    /// The member `key` of an object, or `value` if it is missing.
    public subscript(key: String, default value: @autoclosure () -> JSON) -> JSON {
        get { self[key] ?? value() }
        _modify {
            var member = self[key] ?? value()
            // Now only `member` references the value, so it isn't copied.
            self[key] = .null
            defer { self[key] = member }
            yield &member
        }
    }

    /// The string, if this is one.
    public var string: String? { if case .string(let value) = self { value } else { nil } }

    /// The whole number, if this is one.
    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }

    /// The Boolean, if this is one.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The elements, if this is an array.
    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }

    /// The members, if this is an object.
    public var object: [String: JSON]? {
        guard case .object(let members) = self else { return nil }
        return Dictionary(members.map { ($0.key.text, $0.value) }) { first, _ in first }
    }

    /// The strings of an array of strings; nil if it has other elements.
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
