internal import Linux

/// The shape of a JSON document: the part of JSON Schema (draft 2020-12) that thaw's documents need.
public indirect enum Schema: Sendable, ExpressibleByDictionaryLiteral {
    /// Any text.
    case string
    /// One of these texts.
    case words([String])
    /// A whole number.
    case integer
    /// Any number.
    case number
    /// True or false.
    case bool
    /// A document of another specification.
    case any
    /// The schema, or null.
    case nullable(Schema)
    /// A list of values of one schema.
    case list(Schema)
    /// An object whose keys are data and whose values have one schema.
    case map(Schema)
    /// An object with these members.
    case object([String: Member])

    /// A member of an object.
    public struct Member: Sendable {
        /// The value.
        public let schema: Schema
        /// True if every document has the member.
        public let isRequired: Bool
    }

    /// Makes an object; a key that ends in `?` is that of an optional member.
    public init(dictionaryLiteral members: (String, Schema)...) {
        self = .object(
            Dictionary(
                uniqueKeysWithValues: members.map { key, schema in
                    let isRequired = !key.hasSuffix("?")
                    return (isRequired ? key : String(key.dropLast()), Member(schema: schema, isRequired: isRequired))
                }))
    }

    /// Returns the schema of objects with the members of both.
    static func merged(_ one: Schema, _ other: Schema) -> Schema {
        guard case .object(let first) = one, case .object(let second) = other else {
            preconditionFailure("only objects have members")
        }
        return .object(first.merging(second) { $1 })
    }

    /// Returns the schema of a document of thaw, which has a `kind` and `schemaVersion` 1 besides these members.
    static func document(_ kind: String, _ members: Schema) -> Schema {
        guard case .object(var all) = members else { preconditionFailure("a document is an object") }
        all["kind"] = Member(schema: .words([kind]), isRequired: true)
        all["schemaVersion"] = Member(schema: .integer, isRequired: true)
        return .object(all)
    }
}

extension Schema {
    /// Returns the text of a `.schema.json` file, with sorted keys.
    ///
    /// - Parameter title: The command that prints the document.
    public func file(title: String) -> String {
        var json = json
        json["$schema"] = .string("https://json-schema.org/draft/2020-12/schema")
        json["title"] = .string(title)
        return json.text
    }

    private var json: JSON {
        switch self {
        case .string: .type("string")
        case .words(let words): .object(["enum": .strings(words)])
        case .integer: .type("integer")
        case .number: .type("number")
        case .bool: .type("boolean")
        case .any: .object([:])
        case .nullable(let schema): .object(["anyOf": .array([schema.json, .type("null")])])
        case .list(let schema): .type("array", ["items": schema.json])
        case .map(let schema): .type("object", ["additionalProperties": schema.json])
        case .object(let members):
            .type(
                "object",
                [
                    "properties": .members(members.mapValues(\.schema.json)),
                    "required": .strings(members.filter(\.value.isRequired).map(\.key).sorted()),
                ])
        }
    }
}

extension JSON {
    fileprivate static func type(_ name: String, _ members: [String: JSON] = [:]) -> JSON {
        .members(members.merging(["type": .string(name)]) { $1 })
    }
}
