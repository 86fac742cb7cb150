/// A Dockerfile, read and checked as far as it can be without building it.
public struct Dockerfile: Sendable {
    /// The name it was given, for messages.
    public let name: String
    /// `# syntax=`, `# escape=` and `# check=`.
    public let directives: Directives
    /// The ARG lines before the first FROM.
    public internal(set) var globalArguments: [Located<Instruction.Arg>]
    /// The stages in order; never empty.
    public internal(set) var stages: [Stage]
    /// The empty lines inside continued instructions, which a later BuildKit may refuse.
    public internal(set) var emptyContinuations: [Int]
    /// Every comment line that may hold a word to a linter, with its number.
    public internal(set) var comments: [(line: Int, text: String)]
    /// The bytes of the file.
    public let source: [UInt8]

    /// Reads a file.
    ///
    /// - Parameters:
    ///   - name: the path to show in messages.
    ///   - syntax: the value of `--build-arg BUILDKIT_SYNTAX`, which beats the directive.
    /// - Throws: all the errors of the file at once.
    public init(parsing bytes: [UInt8], name: String, syntax: String? = nil) throws(DockerfileError) {
        var reader = Reader(bytes)
        let nodes = reader.nodes()
        var builder = StageBuilder()
        for node in nodes { builder.take(node) }
        self.name = name
        directives = reader.directives
        globalArguments = builder.globalArguments
        stages = builder.stages
        emptyContinuations = reader.emptyContinuations
        comments = reader.comments
        source = bytes
        var problems = reader.problems + builder.problems
        if let refusal = Directives.refusal(override: syntax, in: reader.directives) { problems = [refusal] }
        if problems.isEmpty, stages.isEmpty {
            problems = [
                Diagnostic(Position(line: reader.lineCount, column: 1), "no build stage: the file holds no FROM")
            ]
        }
        if !problems.isEmpty { throw DockerfileError(name: name, problems, in: bytes) }
    }

    /// The syntax tree as S-expressions, one instruction a line, before any of them is judged.
    ///
    /// - Throws: what keeps the file from having a syntax tree at all.
    public static func dump(_ bytes: [UInt8], name: String) throws(DockerfileError) -> String {
        var reader = Reader(bytes)
        let nodes = reader.nodes()
        guard reader.problems.isEmpty else { throw DockerfileError(name: name, reader.problems, in: bytes) }
        return nodes.reduce(into: "") { $0 += "(\($1.dump))\n" }
    }

    /// Something found later, as when planning, with this file's name and source line.
    public func error(_ diagnostic: Diagnostic) -> DockerfileError {
        DockerfileError(name: name, [diagnostic], in: source)
    }
}

/// One stage: from a FROM line to the next.
public struct Stage: Sendable {
    /// The number of the stage, from 0.
    public let index: Int
    /// The FROM line.
    public let from: Located<From>
    /// What follows it.
    public internal(set) var instructions: [Located<Instruction>] = []

    /// The name after AS in lower case, or nil.
    public var name: String? { from.value.name?.text.asciiLowercased }
    /// The base, not yet expanded: an earlier stage, a named context, `scratch` or an image.
    public var base: Word { from.value.base }
    /// `--platform=`, not yet expanded.
    public var platform: Word? { from.value.platform }
    /// How messages call the stage: its name, else its number.
    public var label: String { name ?? String(index) }
    /// The first and last line.
    public var lines: ClosedRange<Int> {
        from.lines.lowerBound...max(from.lines.upperBound, instructions.last?.lines.upperBound ?? 0)
    }

    init(index: Int, from: Located<From>) {
        self.index = index
        self.from = from
    }
}

/// `FROM [--platform=P] base [AS name]`.
public struct From: Sendable {
    /// The base, not yet expanded.
    public let base: Word
    /// `--platform=`, not yet expanded.
    public let platform: Word?
    /// The word `AS` as it was typed.
    public let keyword: Word?
    /// The name as it was typed.
    public let name: Word?

    init(_ node: SyntaxNode) throws(Diagnostic) {
        let words = node.arguments
        let isNamed = words.count == 3 && words[1].text.asciiLowercased == "as"
        guard isNamed || words.count == 1 else {
            throw Diagnostic(node.keyword.position, "FROM requires either one or three arguments")
        }
        let flags = try Flags(node, ["platform": .string])
        base = words[0]
        platform = flags.word("platform")
        keyword = isNamed ? words[1] : nil
        name = isNamed ? words[2] : nil
        if let name, !Self.isStageName(name.text.asciiLowercased) {
            let rule = "name can't start with a number or contain symbols"
            throw Diagnostic(name.position, "invalid name for build stage: \(name.text.goQuoted), \(rule)")
        }
    }

    private static func isStageName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isLetter else { return false }
        return text.utf8.allSatisfy { $0.isLetter || $0.isDigit || "-_.".utf8.contains($0) }
    }
}

extension DockerfileError {
    /// Sorts the diagnostics and finds the lines they point to, in one pass over the file.
    init(name: String, _ problems: [Diagnostic], in source: [UInt8]) {
        self.name = name
        diagnostics = problems.sorted { $0.position < $1.position }
        var lines: [String?] = []
        var number = 1
        var start = source.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        for diagnostic in diagnostics {
            while number < diagnostic.position.line, let end = source[start...].firstIndex(of: Ascii.newline) {
                start = end + 1
                number += 1
            }
            let isFound = number == diagnostic.position.line && number > 0
            lines.append(
                isFound ? source[start...].prefix { $0 != Ascii.newline && $0 != Ascii.carriageReturn }.text : nil)
        }
        sourceLines = lines
    }
}
