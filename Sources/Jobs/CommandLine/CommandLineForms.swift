internal import Frontend
internal import Linux

/// The repair of a command line that the argument parser refused.
///
/// People write the commands and options of Docker, crane and skopeo. A line that has an exact equivalent is rewritten; for
/// others a failure names the command that is meant. It runs only after the parser's refusal, so a right line costs nothing.
public struct CommandLineForms: Sendable {
    private let tree: CommandTree

    /// Makes the forms for a program.
    public init(_ tree: CommandTree) { self.tree = tree }

    /// Returns another form of the words; nil if there is none, so that the parser's message stands.
    ///
    /// - Throws: ``Failure`` for a command that thaw does not have.
    public func rewritten(_ words: [String]) throws(Failure) -> [String]? {
        var known = words
        if let found = FamiliarCommand.equivalent(of: words) {
            known.replaceSubrange(..<found.count, with: found.words)
        }
        try expectCommand(known.first)
        let (command, count) = tree.command(of: known)
        let rewritten = Array(known.prefix(count)) + OptionForms(command: command).rewritten(known.dropFirst(count))
        return rewritten == words ? nil : rewritten
    }

    /// The options that may stand before the command's name; Docker's name a daemon.
    private static let globalNames = ["--store", "--host", "-H", "--context", "-c"]

    /// Splits the global options off that stand before the command's name, as in Docker.
    ///
    /// - Returns: The options of the store, the other words, and the names of options that have no effect.
    public static func globalOptions(
        _ arguments: [String]
    ) -> (options: [String], words: [String], ignored: [String]) {
        var rest = arguments[...]
        var (options, ignored): ([String], [String]) = ([], [])
        while let first = rest.first, let name = globalNames.first(where: { first == $0 || first.hasPrefix($0 + "=") })
        {
            let count = first == name ? 2 : 1
            if name == "--store" { options += rest.prefix(count) } else { ignored.append(name) }
            rest = rest.dropFirst(count)
        }
        return (options, Array(rest), ignored)
    }

    /// Refuses the name of an unknown command, also after `help`.
    public func expectCommand(_ word: String?) throws(Failure) {
        guard let word, !word.hasPrefix("-"), word != "help" else { return }
        let known = tree.commands.map(\.name)
        guard !known.contains(word) else { return }
        if let (message, remedy) = FamiliarCommand.explanation(of: word) {
            throw Failure(message, remedy: remedy, status: .usage)
        }
        let suggestion = Suggestion.ending(for: word, in: known)
        throw Failure(
            "there is no command '\(word.visibleLine)'\(suggestion)", remedy: "'thaw --help' lists the commands",
            status: .usage)
    }
}
