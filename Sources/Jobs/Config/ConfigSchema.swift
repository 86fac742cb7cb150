internal import Linux
internal import Project

/// The JSON Schema of `thaw.toml` for editors, made from ``ConfigSection``.
public enum ConfigSchema {
    /// The text of docs/json/thaw.toml.schema.json.
    public static var file: String {
        // A section such as secrets.rule is a member of the object secrets.
        var members: [(String, JSON)] = []
        for (name, sections) in Dictionary(grouping: ConfigSection.all, by: { $0.name.split(separator: ".")[0] }) {
            let inner = sections.map { ($0.name.split(separator: ".").last.map(String.init) ?? "", schema(of: $0)) }
            members.append((String(name), sections[0].name.contains(".") ? object(inner) : inner[0].1))
        }
        var root = object(members)
        root["$schema"] = "http://json-schema.org/draft-07/schema#"
        root["title"] = "thaw.toml"
        root["description"] = "The settings of thaw for a project."
        return root.text
    }

    private static func schema(of section: ConfigSection) -> JSON {
        var one = object(section.keys.map { key in (key.name, self.schema(of: key)) })
        if section.isRepeated { one["required"] = .strings(section.requiredKeys) }
        var whole: JSON = section.isRepeated ? ["type": "array", "items": one] : one
        whole["description"] = .string(section.summary)
        return whole
    }

    private static func object(_ members: [(String, JSON)]) -> JSON {
        [
            "type": "object", "additionalProperties": false,
            "properties": .members(Dictionary(uniqueKeysWithValues: members)),
        ]
    }

    private static func schema(of key: ConfigKey) -> JSON {
        var value = schema(of: key.form)
        value["description"] = .string(key.summary)
        return value
    }

    private static func schema(of form: ConfigKey.Form) -> JSON {
        switch form {
        case .text: ["type": "string"]
        case .choice(let words): ["enum": .strings(words)]
        case .texts: ["type": "array", "items": ["type": "string"]]
        case .counts(let names):
            [
                "type": "object", "additionalProperties": false,
                "properties": .members(
                    Dictionary(uniqueKeysWithValues: names.map { ($0, schema(of: .count(least: 0))) })),
            ]
        case .pairs: ["type": "object", "additionalProperties": ["type": "string"]]
        case .count(let least): ["type": "integer", "minimum": .integer(Int64(least))]
        case .port: ["type": "integer", "minimum": 1, "maximum": 65_535]
        case .flag: ["type": "boolean"]
        case .size: number(or: #"^[0-9.]+ *([kKmMgGtT]([iI]?[bB])?|[bB])?$"#)
        case .time: ["type": "string", "pattern": #"^([0-9.]+ *(ms|s|m|h|d) *)+$"#]
        case .growth: number(or: #"^\+?[0-9.]+ *(%|[kKmMgGtT]([iI]?[bB])?|[bB])?$"#)
        case .share: number(or: #"^[0-9.]+ *%?$"#)
        case .date: ["type": "string", "pattern": #"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"#]
        }
    }

    private static func number(or pattern: String) -> JSON {
        ["anyOf": [["type": "number", "minimum": 0], ["type": "string", "pattern": .string(pattern)]]]
    }
}
