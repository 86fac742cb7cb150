import Frontend
import Harness
import Linux
import OCI

/// The settings of an image's configuration for containers, and its author.
struct Settings {
    private var values: [String: JSON]

    /// Reads the settings of an image.
    init(_ image: Image) throws {
        let config = try JSON(parsing: image.configBytes, what: "configuration")
        guard let members = config["config"]?.object else { throw FixtureError("no config in the image") }
        values = members
        values["author"] = config["author"]
    }

    /// Reads the settings of an example, as differences from its base or from `scratch`.
    init(_ example: Example, over base: Image?) throws {
        let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        values = ["Env": .array([.string(path)]), "WorkingDir": .string("/")]
        if let base { values = try Settings(base).values }
        for line in example["config"] ?? [] {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard words.count == 2 else { throw FixtureError("\(example.name): \(line)") }
            if words[0] == "-" {
                guard values.removeValue(forKey: words[1]) != nil else {
                    throw FixtureError("nothing to remove: \(line)")
                }
            } else {
                values[words[0]] = try JSON(parsing: Array(words[1].utf8), what: line)
            }
        }
    }

    /// One line for each setting, sorted.
    var lines: [String] { values.map { "\($0.key) \(String(decoding: $0.value.bytes, as: UTF8.self))" }.sorted() }

    /// Returns an image's steps, without those of its base.
    static func history(_ image: Image, after base: Image?) throws -> [String] {
        let lines = image.config.history.map { entry in
            let comment = entry.comment == CreatedBy.comment && entry.created != nil ? "" : " (not as BuildKit has it)"
            return "\(entry.isEmptyLayer ? "empty" : "layer") \(Escapes.line(entry.createdBy ?? ""))\(comment)"
        }
        let below = try base.map { try history($0, after: nil) } ?? []
        guard lines.starts(with: below) else { throw FixtureError("the history does not start with the base's") }
        return Array(lines.dropFirst(below.count))
    }
}
