/// The lines of the keys in the text of a `thaw.toml`, for messages and annotations.
public struct ProjectLines: Sendable {
    private let lines: [Substring]

    /// Splits a text.
    public init(_ text: String) { lines = text.split(separator: "\n", omittingEmptySubsequences: false) }

    /// Returns the line of a key such as `budget.size`, or of a section such as `budget`; nil if none has it.
    ///
    /// TOML has several forms of the same thing; a form that is not known here has the line of its section.
    public func line(of path: String) -> Int? {
        let names = path.split(separator: ".").map(String.init)
        guard let key = names.last else { return nil }
        let parent = names.dropLast().joined(separator: ".")
        var section = ""
        var best: Int?
        for (index, line) in lines.enumerated() {
            let text = line.drop { $0 == " " || $0 == "\t" }
            if text.first == "[" {
                section = Self.name(text.drop { $0 == "[" }.prefix { $0 != "]" })
                if section == path { return index + 1 }
                if section == parent { best = best ?? index + 1 }
                continue
            }
            guard let equals = text.firstIndex(of: "=") else { continue }
            let name = Self.name(text[..<equals])
            let whole = section.isEmpty ? name : "\(section).\(name)"
            if whole == path { return index + 1 }
            if whole == parent, text[equals...].contains(key) { return index + 1 }
        }
        return best
    }

    private static func name(_ text: Substring) -> String {
        text.split(separator: ".").map { $0.filter { $0 != " " && $0 != "\t" && $0 != "\"" && $0 != "'" } }
            .joined(separator: ".")
    }
}

/// A key that `thaw.toml` does not have.
public struct UnknownKey: Sendable, Equatable {
    /// The key with its section: `budget.sizes`.
    public let path: String
    /// The line; nil if it was not found.
    public let line: Int?
    /// The keys that the section has.
    public let known: [String]

    /// The last name of the path.
    public var name: String { path.split(separator: ".").last.map(String.init) ?? path }

    /// Makes a key of a text.
    init(_ path: String, in text: ProjectLines) {
        self.path = path
        line = text.line(of: path)
        known = ProjectFile.keys[path.split(separator: ".").dropLast().joined(separator: ".")] ?? []
    }
}

extension ProjectFile {
    /// The keys by section; the sections themselves have the name "".
    static let keys: [String: [String]] = {
        var keys: [String: [String]] = [:]
        func add(_ name: String, to section: String) {
            if keys[section]?.contains(name) != true { keys[section, default: []].append(name) }
        }
        for section in ConfigSection.all {
            let names = section.name.split(separator: ".").map(String.init)
            add(names[0], to: "")
            if names.count > 1 { add(names[1], to: names[0]) }
            for key in section.keys { add(key.name, to: section.name) }
        }
        return keys
    }()
}
