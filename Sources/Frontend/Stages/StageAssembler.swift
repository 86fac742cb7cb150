/// The builder that checks syntax nodes and sorts their instructions into stages.
struct StageAssembler {
    private(set) var globalArguments: [Located<Instruction.Arg>] = []
    private(set) var stages: [Stage] = []
    private(set) var problems: [Diagnostic] = []
    private var sawFrom = false

    init(_ nodes: [SyntaxNode]) {
        for node in nodes { take(node) }
    }

    private mutating func take(_ node: SyntaxNode) {
        do { try parse(node) } catch { problems.append(error) }
    }

    private mutating func parse(_ node: SyntaxNode) throws(Diagnostic) {
        if node.name == "from" {
            sawFrom = true
            stages.append(Stage(index: stages.count, from: located(try From(node), node)))
            return
        }
        let instruction = try Instruction(node)
        if case .arg(let argument) = instruction, !sawFrom {
            globalArguments.append(located(argument, node))
        } else if !stages.isEmpty {
            stages[stages.count - 1].instructions.append(located(instruction, node))
        } else if !sawFrom {
            throw Diagnostic(node.keyword.position, "no build stage in current context")
        }
    }

    private func located<Value>(_ value: Value, _ node: SyntaxNode) -> Located<Value> {
        Located(
            value: value, position: node.keyword.position, lines: node.lines, text: node.original,
            comments: node.comments)
    }
}
