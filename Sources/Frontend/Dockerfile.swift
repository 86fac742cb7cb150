/// A parsed Dockerfile, checked as far as possible without a build.
public struct Dockerfile: Sendable {
    /// The name of the file, for messages.
    public let name: String
    /// The parser directives: `# syntax=`, `# escape=` and `# check=`.
    public let directives: Directives
    /// The ARG lines before the first FROM.
    public internal(set) var globalArguments: [Located<Instruction.Arg>]
    /// The stages, in order; never empty.
    public internal(set) var stages: [Stage]
    /// The numbers of empty lines inside continued instructions, which a later BuildKit may refuse.
    public internal(set) var emptyContinuations: [Int]
    /// The comment lines that contain `=`, and so may configure a linter, with their numbers.
    public internal(set) var comments: [(line: Int, text: String)]
    /// The bytes of the file.
    public let source: [UInt8]

    /// Parses a file.
    ///
    /// - Parameters:
    ///   - name: The path for messages.
    ///   - syntax: The value of `--build-arg BUILDKIT_SYNTAX`, which takes precedence over the directive.
    /// - Throws: All errors of the file at once.
    public init(parsing bytes: [UInt8], name: String, syntax: String? = nil) throws(DockerfileError) {
        var reader = DockerfileReader(bytes)
        let builder = StageAssembler(reader.nodes())
        self.init(reader, builder, name: name)
        var problems = reader.problems + builder.problems
        if let refusal = Directives.refusal(override: syntax, in: reader.directives) { problems = [refusal] }
        if problems.isEmpty, stages.isEmpty {
            problems = [
                Diagnostic(Position(line: reader.lineCount, column: 1), "no build stage: the file has no FROM")
            ]
        }
        if !problems.isEmpty { throw DockerfileError(name: name, problems, in: bytes) }
    }

    /// Parses the parts of a file that have no errors; nil if no stage is among them.
    init?(partly bytes: [UInt8], name: String) {
        var reader = DockerfileReader(bytes)
        let builder = StageAssembler(reader.nodes())
        if builder.stages.isEmpty { return nil }
        self.init(reader, builder, name: name)
    }

    private init(_ reader: DockerfileReader, _ builder: StageAssembler, name: String) {
        self.name = name
        directives = reader.directives
        globalArguments = builder.globalArguments
        stages = builder.stages
        emptyContinuations = reader.emptyContinuations
        comments = reader.comments
        source = reader.bytes
    }

    /// Returns the syntax tree as S-expressions, one instruction in each line, without semantic checks.
    ///
    /// - Throws: The syntax errors of the file.
    public static func dump(_ bytes: [UInt8], name: String) throws(DockerfileError) -> String {
        var reader = DockerfileReader(bytes)
        let nodes = reader.nodes()
        guard reader.problems.isEmpty else { throw DockerfileError(name: name, reader.problems, in: bytes) }
        return nodes.reduce(into: "") { $0 += "(\($1.dump))\n" }
    }

    /// Returns an error with this file's name and source line for a diagnostic found after parsing.
    public func error(_ diagnostic: Diagnostic) -> DockerfileError {
        DockerfileError(name: name, [diagnostic], in: source)
    }
}
