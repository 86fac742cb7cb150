import Harness
import Testing

/// One Dockerfile with its context and its expected result.
///
/// ```
/// # The subject, in a sentence
/// context:            the lines of Entry; `file NAME:` has a file's text line by line instead
/// Dockerfile:         the text; `image NAME:` is the Dockerfile of an image that is built before under this name
/// options:            build-arg A=b, target NAME, label a=b, epoch SECONDS
/// tree over base:     the lines of Entry, as differences; `tree:` starts from an empty tree
/// config:             KEY JSON for each difference from the base or scratch; - KEY for a removed key
/// history:            layer TEXT or empty TEXT, after the base's
/// last layer:         the paths of its entries in order, - PATH for a whiteout, PATH == PATH for a link
/// fails:              instead of tree, config and history: the exit status and the sentence
/// ```
///
/// Lines of a section are indented by two spaces. Lines that start with `//` are remarks.
struct Example: Sendable, CustomTestStringConvertible {
    let name: String
    private(set) var sections: [(title: String, lines: [String])] = []

    var testDescription: String { name }

    /// The lines of a section; nil if there is none.
    subscript(title: String) -> [String]? { sections.first { $0.title == title }?.lines }

    /// Returns the sections whose titles start with a word, with the rest of the title as their name.
    func named(_ word: String) -> [(name: String, lines: [String])] {
        sections.filter { $0.title.hasPrefix(word + " ") }
            .map { (String($0.title.dropFirst(word.count + 1)), $0.lines) }
    }

    /// True if its tree starts from the base's.
    var isOverBase: Bool { self["tree over base"] != nil }
    /// True if its build must fail.
    var fails: Bool { self["fails"] != nil }
}

extension Example {
    /// All examples of all files.
    static let all = Result { try read() }
    /// The examples that give an image.
    static var images: [Example] { ((try? all.get()) ?? []).filter { !$0.fails } }
    /// The examples that give an error.
    static var failures: [Example] { ((try? all.get()) ?? []).filter(\.fails) }

    private static func read() throws -> [Example] {
        let folder = Repository.path + "/fixtures/conformance"
        let names = try Program.shell("ls *.txt", in: folder).split(separator: "\n")
        return try names.flatMap { name in
            try parse(
                Program.shell("cat '\(name)'", in: folder).split(separator: "\n", omittingEmptySubsequences: false))
        }
    }

    /// Parses the examples of a text.
    static func parse(_ lines: [Substring]) throws -> [Example] {
        var examples: [Example] = []
        for line in lines where !line.hasPrefix("//") {
            if line.hasPrefix("# ") {
                examples.append(Example(name: String(line.dropFirst(2))))
                continue
            }
            if examples.isEmpty, line.isEmpty { continue }
            guard let last = examples.indices.last else { throw FixtureError("before the first example: \(line)") }
            if line.isEmpty || line.hasPrefix("  ") {
                try examples[last].add(String(line.dropFirst(2)))
            } else if line.hasSuffix(":") {
                examples[last].sections.append((String(line.dropLast()), []))
            } else {
                throw FixtureError("neither a title nor indented: \(line)")
            }
        }
        for index in examples.indices { examples[index].trim() }
        return examples
    }

    private mutating func add(_ line: String) throws {
        guard let last = sections.indices.last else {
            if line.isEmpty { return }
            throw FixtureError("\(name): in no section: \(line)")
        }
        sections[last].lines.append(line)
    }

    /// Removes the empty lines between examples and sections.
    private mutating func trim() {
        for index in sections.indices {
            while sections[index].lines.last == "" { sections[index].lines.removeLast() }
        }
    }
}
