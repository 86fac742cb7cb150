import FoundationEssentials

/// A JSON value that keeps what we don't know.
///
/// Documents are decoded once into this, typed views read it, and only an edited document is ever encoded again:
/// with sorted keys, so that equal values have equal bytes.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// Decodes one document; `what` names it in the error.
    public init(parsing bytes: [UInt8], what: String) throws(OCIError) {
        do {
            self = try JSONDecoder().decode(JSON.self, from: Data(bytes))
        } catch {
            throw .malformedDocument(what, reason: "it is not valid JSON")
        }
    }

    /// The canonical bytes: keys sorted, nothing escaped that need not be, no white space.
    public var bytes: [UInt8] { encoded(pretty: false) }

    /// The same for people.
    public var prettyBytes: [UInt8] { encoded(pretty: true) + [UInt8(ascii: "\n")] }

    /// A value of ours as JSON, keys sorted.
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }

    /// Reads what ``encode(_:)`` wrote; `what` names it in the error.
    public static func decode<T: Decodable>(_ type: T.Type, _ bytes: [UInt8], what: String) throws(OCIError) -> T {
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw .malformedDocument(what, reason: "it is not what this version of thaw writes")
        }
    }

    private func encoded(pretty: Bool) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(self))
        } catch {
            preconditionFailure("a JSON value without NaN or infinity always encodes")
        }
    }
}

extension JSON: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([String: JSON].self) {
            self = .object(value)
        } else {
            self = .array(try container.decode([JSON].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value.isFinite ? value : 0)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension JSON {
    /// The member `key` of an object; assigning nil removes it.
    public subscript(key: String) -> JSON? {
        get {
            guard case .object(let members) = self else { return nil }
            return members[key]
        }
        set {
            var members: [String: JSON] = if case .object(let old) = self { old } else { [:] }
            members[key] = newValue
            self = .object(members)
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
    public var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }

    /// The texts of an array that holds nothing else.
    public var strings: [String]? {
        guard let array else { return nil }
        let texts = array.compactMap(\.string)
        return texts.count == array.count ? texts : nil
    }

    /// An array of texts.
    public static func strings(_ values: [String]) -> JSON { .array(values.map(JSON.string)) }

    /// An object of texts.
    public static func strings(_ values: [String: String]) -> JSON { .object(values.mapValues(JSON.string)) }

    /// Bytes in a text.
    public static func base64(_ bytes: [UInt8]) -> JSON { .string(Data(bytes).base64EncodedString()) }

    /// The bytes of a text that holds some in base 64.
    public var base64: [UInt8]? { string.flatMap { Data(base64Encoded: $0) }.map { Array($0) } }
}
