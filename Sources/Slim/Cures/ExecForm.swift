internal import ImageFiles
internal import Linux
internal import OCI

/// Starts the program without the shell that only replaces itself with it.
struct ExecForm: Cure {
    let name = "exec-form"
    let summary = "start the program itself instead of a shell that only executes it"

    func proposal(for subject: CureSubject) async throws -> CureProposal? {
        let config = subject.files.image.config
        guard let found = try shellText(of: config, in: subject.files) else { return nil }
        guard let words = PlainCommand(found.text).arguments(passing: found.arguments) else { return nil }
        guard let program = words.first, subject.files.program(Array(program.utf8)) != nil, words != config.arguments
        else { return nil }
        var edit = ImageEdit()
        var changed = config
        changed.entrypoint = words
        changed.command = nil
        edit.config = changed
        return CureProposal(
            reason: "\(found.place) only executes \(program)", prediction: "a shell less to load and to run",
            goal: .work, edit: edit, endedProcesses: ["sh", "bash", "dash", "ash"])
    }

    /// Returns the shell's text, its origin, and the arguments that are `"$@"` in it; nil if no shell starts.
    private func shellText(
        of config: ImageConfig, in files: ImageFiles
    ) throws -> (text: String, place: String, arguments: [String])? {
        let arguments = config.arguments
        if arguments.count == 3, Script.isShell(Array(arguments[0].utf8)), arguments[1] == "-c" {
            return (arguments[2], "the shell form", [])
        }
        guard let first = arguments.first, let program = files.program(Array(first.utf8)),
            let script = files.scripts[files.tree[node: program.node].inode],
            script.programs.contains(where: Script.isShell),
            let bytes = try files.image.contents(
                of: files.tree.path(of: program.node).description, in: files.tree), bytes.count <= 4_096
        else { return nil }
        return (String(decoding: bytes, as: UTF8.self), first, Array(arguments.dropFirst()))
    }
}

/// A shell's text that is one simple command without anything that the shell would expand.
struct PlainCommand {
    private static let expandable = Set("$`\\\"'*?[]{}()<>|&;~#!=\t")
    /// Words that are the shell's own, or that change the shell.
    private static let builtins: Set<String> = [
        ".", "source", "eval", "cd", "export", "set", "unset", "trap", "umask", "ulimit", "wait", "if", "for", "while",
        "until", "case", "time", "command", "builtin", "alias", "read", "exit", "return", "shift", "true", "false",
        "test",
        "echo", "printf", "kill", "pwd", ":", "{",
    ]
    /// Settings of the shell that don't reach the program.
    private static let settings: Set<String> = ["set -e", "set -eu", "set -u", "set -euo pipefail", "set -o pipefail"]

    private let words: [String]
    private let passesArguments: Bool

    /// Reads a text: comments, settings, and one command with or without `exec`.
    init(_ text: String) {
        let lines = text.split(separator: "\n").map { line in
            String(line.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        let commands = lines.filter { !$0.isEmpty && !$0.hasPrefix("#") && !Self.settings.contains($0) }
        guard commands.count == 1 else {
            (words, passesArguments) = ([], false)
            return
        }
        var words = commands[0].split(separator: " ").map(String.init)
        if words.first == "exec" { words.removeFirst() }
        let passes = words.last == "\"$@\""
        if passes { words.removeLast() }
        (self.words, passesArguments) = (words, passes)
    }

    /// Returns the command's arguments; nil if the shell does more than to execute it.
    func arguments(passing further: [String]) -> [String]? {
        let isPlain = words.allSatisfy { word in !word.contains { Self.expandable.contains($0) } }
        guard isPlain, words.first.map({ !Self.builtins.contains($0) && !$0.hasPrefix("-") }) ?? passesArguments else {
            return nil
        }
        let all = words + (passesArguments ? further : [])
        return all.isEmpty ? nil : all
    }
}
