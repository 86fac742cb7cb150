internal import Linux

/// The commands and options of a program, as the argument parser describes them (`--experimental-dump-help`).
public struct CommandTree: Sendable, Equatable {
    /// The name of the command.
    public let name: String
    /// The options that take a value, with their dashes: `--tag`, `-t`.
    let options: Set<String>
    /// The options that take none.
    let flags: Set<String>
    /// The commands below it.
    let commands: [CommandTree]

    /// Reads a description.
    ///
    /// - Throws: ``JSONError``, or a failure for a document of another form.
    public init(parsing text: String) throws {
        guard let command = try JSON(parsing: Array(text.utf8))["command"] else {
            throw Failure("this is no description of commands")
        }
        self.init(command)
    }

    private init(_ command: JSON) {
        name = command["commandName"]?.string ?? ""
        let arguments = command["arguments"]?.array ?? []
        func names(_ kind: String) -> Set<String> {
            Set(
                arguments.filter { $0["kind"]?.string == kind }.flatMap { $0["names"]?.array ?? [] }.compactMap(
                    Self.dashed))
        }
        (options, flags) = (names("option"), names("flag"))
        commands = (command["subcommands"]?.array ?? []).map(Self.init)
    }

    private static func dashed(_ name: JSON) -> String? {
        guard let text = name["name"]?.string else { return nil }
        return name["kind"]?.string == "long" ? "--" + text : "-" + text
    }

    /// Returns the command of the first words, and the number of these words.
    func command(of words: [String]) -> (CommandTree, count: Int) {
        guard let first = words.first, let next = commands.first(where: { $0.name == first }) else { return (self, 0) }
        let (command, count) = next.command(of: Array(words.dropFirst()))
        return (command, count + 1)
    }
}
