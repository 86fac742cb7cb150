/// The variables of FROM lines: predefined platform arguments and the ARG lines before the first FROM.
public struct GlobalScope: Sendable {
    /// The arguments of the build.
    public let arguments: BuildArguments
    /// The values, by name.
    public private(set) var values: [String: String]
    /// The escape character of the file.
    public let escape: UInt8

    /// Evaluates the global ARG lines in order; each can use those before it.
    public init(_ dockerfile: Dockerfile, _ arguments: BuildArguments) throws(Diagnostic) {
        self.arguments = arguments
        values = arguments.predefined(lastStage: dockerfile.stages.last?.name)
        escape = dockerfile.directives.escape
        for line in dockerfile.globalArguments {
            for declaration in line.value.declarations { try declare(declaration) }
        }
    }

    private mutating func declare(_ declaration: Instruction.Arg.Declaration) throws(Diagnostic) {
        let name = try expand(declaration.name)
        if let value = arguments.values[name] {
            values[name] = value
        } else if let value = declaration.defaultValue {
            values[name] = try expand(value)
        }
    }

    /// Expands a word of a FROM line; `unset` has the names of the variables that are not set.
    func expandNotingUnset(_ word: Word) throws(Diagnostic) -> (text: String, unset: [String]) {
        try word.expansion(escape: escape) { values[$0] }
    }

    /// Expands a word of a FROM line.
    public func expand(_ word: Word) throws(Diagnostic) -> String {
        try word.expanded(escape: escape) { values[$0] }
    }
}
