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
