internal import FoundationEssentials

/// A JSON document of `thaw`, parsed by Foundation, so independently of our own parser.
public enum Document: Decodable, Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([Document])
    case object([String: Document])

    /// Parses a whole text.
    public init(parsing text: String) throws {
        self = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([Document].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: Document].self))
        }
    }

    /// A member of an object; `.null` if there is none.
    public subscript(key: String) -> Document {
        guard case .object(let members) = self else { return .null }
        return members[key] ?? .null
    }

    /// An element of an array; `.null` if there is none.
    public subscript(index: Int) -> Document {
        list.indices.contains(index) ? list[index] : .null
    }

    /// An array's elements.
    public var list: [Document] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    /// The names of an object's members.
    public var keys: Set<String> {
        guard case .object(let members) = self else { return [] }
        return Set(members.keys)
    }

    /// The text of a string.
    public var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The value of a number.
    public var number: Double? {
        guard case .number(let value) = self else { return nil }
        return value
    }
}
