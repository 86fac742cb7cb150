import Harness
import Testing

/// One Dockerfile with its context, and what has to come of it.
///
/// ```
/// # What this is about, in a sentence
/// context:            the lines of Entry; `file NAME:` gives a file's text line by line instead
/// Dockerfile:         the text; `image NAME:` is one that is built before under a name
/// options:            build-arg A=b, target NAME, label a=b, epoch SECONDS
/// tree over base:     the lines of Entry, as differences; `tree:` starts from nothing
/// config:             KEY JSON, where it differs from the base's or from scratch's; - KEY where it is gone
/// history:            layer TEXT or empty TEXT, after the base's
/// last layer:         the paths of its entries in their order, - PATH for a whiteout, PATH == PATH for a link
/// fails:              instead of tree, config and history: the exit status and the sentence
/// ```
/// Lines of a section are indented by two blanks. What starts with `//` is a remark.
struct Example: Sendable, CustomTestStringConvertible {
    let name: String
    private(set) var sections: [(title: String, lines: [String])] = []

    var testDescription: String { name }

    /// The lines of a section; nil where there is none.
    subscript(title: String) -> [String]? { sections.first { $0.title == title }?.lines }

    /// The sections whose titles start with a word, by what follows it.
    func named(_ word: String) -> [(name: String, lines: [String])] {
        sections.filter { $0.title.hasPrefix(word + " ") }
            .map { (String($0.title.dropFirst(word.count + 1)), $0.lines) }
    }

    /// Whether its tree starts from the base's.
    var isOverBase: Bool { self["tree over base"] != nil }
    /// Whether it is to fail.
    var fails: Bool { self["fails"] != nil }
}

extension Example {
    /// Every example of every file.
    static let all = Result { try read() }
    /// Those that give an image.
    static var images: [Example] { ((try? all.get()) ?? []).filter { !$0.fails } }
    /// Those that give an error.
    static var failures: [Example] { ((try? all.get()) ?? []).filter(\.fails) }

    private static func read() throws -> [Example] {
        let folder = Repository.path + "/fixtures/conformance"
        let names = try Program.shell("ls *.txt", in: folder).split(separator: "\n")
        return try names.flatMap { name in
            try parse(
                Program.shell("cat '\(name)'", in: folder).split(separator: "\n", omittingEmptySubsequences: false))
        }
    }

    /// Reads the examples of a text, line by line.
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

    /// Takes the empty lines between examples and sections away.
    private mutating func trim() {
        for index in sections.indices {
            while sections[index].lines.last == "" { sections[index].lines.removeLast() }
        }
    }
}
