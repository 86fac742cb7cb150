/// A key of `thaw.toml`.
///
/// ``all`` is the one table of keys: messages of the reader, `thaw help config`, docs/thaw.toml.md, the JSON Schema and
/// the file of `thaw init` come from it. A test compares it with the keys that the reader accepts.
public struct ConfigKey: Sendable, Equatable {
    /// The name of the section, without brackets.
    public let section: String
    /// The name in the section.
    public let name: String
    /// The form of the value.
    public let form: Form
    /// The meaning, in one sentence.
    public let summary: String
    /// A value, as it is written in the file.
    public let example: String

    /// The form of a value.
    public enum Form: Sendable, Equatable {
        case text
        case choice([String])
        case texts
        /// A table of names and texts.
        case pairs
        case count(least: Int)
        /// A table of these names and whole numbers.
        case counts([String])
        case port
        case flag
        /// A number of bytes, or a text with a unit.
        case size
        case time
        /// A size, or a percentage.
        case growth
        /// A percentage, or a number from 0 to 1.
        case share
        case date
    }

    /// The section and the name: `budget.size`.
    public var path: String { "\(section).\(name)" }

    /// Returns the key of a path; nil if there is none.
    public static func named(_ path: String) -> ConfigKey? { all.first { $0.path == path } }

    /// All keys, by section.
    public static let all: [ConfigKey] = ConfigSection.all.flatMap(\.keys)
}

extension ConfigKey.Form {
    /// The form in words, after "must be".
    public var words: String {
        switch self {
        case .text: "a text"
        case .choice(let words): "one of " + words.map { "\"\($0)\"" }.joined(separator: ", ")
        case .texts: "a list of texts"
        case .pairs: "a table of names and texts"
        case .count(let least): "a whole number of \(least) or more"
        case .counts(let names): "a table of whole numbers, with the names \(names.joined(separator: ", "))"
        case .port: "a port from 1 to 65535"
        case .flag: "true or false"
        case .size: "a size, such as \"60MB\", \"256MiB\" or 60000000"
        case .time: "a time, such as \"500ms\", \"20s\" or \"2m\""
        case .growth: "a percentage such as \"2%\", or a size such as \"1MB\""
        case .share: "a percentage such as \"2%\", or a number such as 0.02"
        case .date: "a date, such as \"2027-01-31\""
        }
    }
}
