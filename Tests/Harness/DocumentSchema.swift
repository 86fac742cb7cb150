/// A JSON Schema of `docs/json`, applied strictly: a member that the schema does not name is a violation too.
public struct DocumentSchema: Sendable {
    private let root: Document

    /// Reads `docs/json/NAME.schema.json`.
    public init(_ name: String) throws {
        root = try Document(parsing: Program.shell("cat '\(Repository.path)/docs/json/\(name).schema.json'"))
    }

    /// Returns the violations by a document, each with its place; an empty list if it is valid.
    public func violations(by document: Document) -> [String] { Self.violations(document, root, at: "$") }

    private static func violations(_ value: Document, _ schema: Document, at place: String) -> [String] {
        let choices = schema["anyOf"].list
        if !choices.isEmpty {
            let all = choices.map { violations(value, $0, at: place) }
            return all.contains([]) ? [] : all.flatMap(\.self)
        }
        let words = schema["enum"].list
        if !words.isEmpty, !words.contains(value) { return ["\(place) is \(value), not one of \(words)"] }
        guard let type = schema["type"].text else { return [] }
        guard fits(value, type) else { return ["\(place) is \(value), not of type \(type)"] }
        switch value {
        case .array(let elements):
            return elements.enumerated().flatMap { violations($1, schema["items"], at: "\(place)[\($0)]") }
        case .object(let members): return violations(members, schema, at: place)
        default: return []
        }
    }

    private static func violations(
        _ members: [String: Document], _ schema: Document, at place: String
    ) -> [String] {
        let missing = schema["required"].list.compactMap(\.text).filter { members[$0] == nil }
        return missing.map { "\(place).\($0) is missing" }
            + members.sorted { $0.key < $1.key }.flatMap { key, value in
                let known = schema["properties"].keys.contains(key)
                let inner = known ? schema["properties"][key] : schema["additionalProperties"]
                return inner == .null
                    ? ["\(place).\(key) is not in the schema"] : violations(value, inner, at: "\(place).\(key)")
            }
    }

    private static func fits(_ value: Document, _ type: String) -> Bool {
        switch (value, type) {
        case (.null, "null"), (.bool, "boolean"), (.number, "number"), (.string, "string"), (.array, "array"),
            (.object, "object"):
            true
        case (.number(let number), "integer"): number == number.rounded()
        default: false
        }
    }
}
