/// The parser of a file into syntax nodes, which continues after an error if possible.
struct DockerfileReader {
    /// The number of errors after which parsing stops, since the file is probably not a Dockerfile.
    private static let mostProblems = 50

    private var lexer: Lexer
    private(set) var directives = Directives()
    private(set) var problems: [Diagnostic] = []
    private(set) var emptyContinuations: [Int] = []
    private(set) var comments: [(line: Int, text: String)] = []
    private var inDirectives = true
    private var above: [String] = []

    init(_ bytes: [UInt8]) { lexer = Lexer(bytes) }

    var lineCount: Int { lexer.line }
    var bytes: [UInt8] { lexer.bytes }

    /// Reads the nodes of the whole file.
    mutating func nodes() -> [SyntaxNode] {
        guard !lexer.bytes.isEmpty else {
            problems = [Diagnostic(Position(line: 0, column: 0), "the Dockerfile cannot be empty")]
            return []
        }
        guard !lexer.bytes.contains(0) else {
            problems = [Diagnostic(Position(line: 0, column: 0), "the Dockerfile is not text: it has a NUL byte")]
            return []
        }
        directives.findForeignSyntax(in: lexer.bytes)
        var nodes: [SyntaxNode] = []
        while !lexer.isAtEnd, problems.count < Self.mostProblems {
            do { if let node = try node() { nodes.append(node) } } catch { problems.append(error) }
        }
        if nodes.isEmpty, problems.isEmpty {
            problems = [Diagnostic(Position(line: lexer.line, column: 1), "file with no instructions")]
        }
        return nodes
    }

    /// Reads the node that starts on the next line; returns nil for a blank line or a comment.
    private mutating func node() throws(Diagnostic) -> SyntaxNode? {
        guard let raw = try lexer.physicalLine() else { return nil }
        let range = lexer.content(of: raw)
        let ink = lexer.firstInk(of: range)
        guard ink < range.upperBound else {
            inDirectives = false
            return nil
        }
        guard lexer.bytes[ink] != Ascii.hash else {
            try comment(ink..<range.upperBound, column: ink - range.lowerBound + 1)
            return nil
        }
        inDirectives = false
        return try instruction(range)
    }

    private mutating func comment(_ range: Range<Int>, column: Int) throws(Diagnostic) {
        let line = lexer.bytes[range]
        let text = line.dropFirst().trimmingBlanks().text
        if text.isEmpty { above = [] } else { above.append(text) }
        if text.utf8.contains(Ascii.equals) { comments.append((lexer.line, text)) }
        guard inDirectives else { return }
        let position = Position(line: lexer.line, column: column)
        inDirectives = try directives.read(line, at: position)
        lexer.escape = directives.escape
    }

    private mutating func instruction(_ range: Range<Int>) throws(Diagnostic) -> SyntaxNode? {
        let comments = above
        above = []
        let line = try lexer.logicalLine(startingWith: range)
        emptyContinuations += line.emptyContinuations
        guard line.bytes.contains(where: { !$0.isBlank }) else { return nil }
        var node = try SyntaxNode(line, escape: lexer.escape)
        node.comments = comments
        if node.takesHeredocs, line.bytes.contains(Ascii.less) {
            node.heredocs = try Heredoc.openings(in: line).map { (opening) throws(Diagnostic) in try read(opening) }
        }
        node.lines = node.lines.lowerBound...lexer.line
        return node
    }

    /// Reads the body of a heredoc, up to the line with its name.
    private mutating func read(_ opening: Heredoc) throws(Diagnostic) -> Heredoc {
        var heredoc = opening
        var body: [UInt8] = []
        while let raw = try lexer.physicalLine() {
            var line = lexer.bytes[lexer.content(of: raw)]
            if heredoc.stripsTabs { line = line.drop { $0 == Ascii.tab } }
            if line.elementsEqual(heredoc.name.utf8) {
                heredoc.body = body.text
                return heredoc
            }
            body += lexer.bytes[raw]
        }
        throw Diagnostic(opening.position, "unterminated heredoc: no line \(opening.name.goQuoted) ends it")
    }
}
