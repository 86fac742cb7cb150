import Jobs
import Testing

/// Command lines of other tools, in thaw's words.
@Suite struct CommandLineTests {
    private static func command(_ name: String, _ arguments: String, _ commands: String = "") -> String {
        #"{"commandName": "\#(name)", "arguments": [\#(arguments)], "subcommands": [\#(commands)]}"#
    }

    private static func argument(_ kind: String, _ names: (String, String)...) -> String {
        let list = names.map { #"{"kind": "\#($0.0)", "name": "\#($0.1)"}"# }.joined(separator: ",")
        return #"{"kind": "\#(kind)", "names": [\#(list)]}"#
    }

    /// A program of a few commands.
    private static let forms = Result {
        let build = [
            argument("option", ("short", "t"), ("long", "tag")), argument("flag", ("short", "q"), ("long", "quiet")),
            argument("flag", ("long", "no-cache")), argument("flag", ("long", "tls"), ("long", "no-tls")),
            argument("positional"),
        ].joined(separator: ",")
        let others = ["images", "inspect", "list-tags", "prune", "rm"].map { command($0, "") }
        let all = [command("build", build)] + others
        return CommandLineForms(
            try CommandTree(parsing: #"{"command": \#(command("thaw", "", all.joined(separator: ",")))}"#))
    }

    static let lines: [(line: String, expected: String?)] = [
        ("image ls", "images"), ("image rm a b", "rm a b"), ("rmi a", "rm a"), ("ls", "images"),
        ("ls a", "list-tags a"),
        ("buildx build -t a .", "build -t a ."), ("system prune -f", "prune -f"),
        ("manifest inspect a", "inspect --raw a"),
        ("version", "--version"),
        ("build -tapp .", "build -t app ."), ("build -t=app .", "build -t app ."),
        ("build -qtapp .", "build -q -t app ."),
        ("build -qt app .", "build -q -t app ."), ("build --no-cache=false .", "build ."),
        ("build --no-cache=1 .", "build --no-cache ."), ("build --tls=false .", "build --no-tls ."),
        ("buildx build -tapp --quiet=true .", "build -t app --quiet ."),
        // No form to rewrite: the parser's message stands.
        ("build -x .", nil), ("build -tx=1 --unknown=false -- -qt", "build -t x=1 --unknown=false -- -qt"),
        ("build -t -qx .", nil), ("build --quiet=maybe .", nil), ("--unknown", nil),
    ]

    @Test("A command line of other tools is rewritten", arguments: lines)
    func rewrites(line: String, expected: String?) throws {
        let words = line.split(separator: " ").map(String.init)
        #expect(try Self.forms.get().rewritten(words)?.joined(separator: " ") == expected)
    }

    static let unknown: [(line: String, message: String)] = [
        ("biuld .", "there is no command 'biuld' (did you mean build?)"),
        ("xyzzy", "there is no command 'xyzzy'"),
        ("run --rm x", "thaw does not run containers as services"),
        ("ps", "thaw has no daemon, so no containers run between its commands"),
        ("compose up", "thaw has no 'compose': it works on images alone"),
    ]

    @Test("A command that thaw does not have is named, with the one that is meant", arguments: unknown)
    func explains(line: String, message: String) throws {
        let words = line.split(separator: " ").map(String.init)
        let failure = #expect(throws: Failure.self) { try Self.forms.get().rewritten(words) }
        #expect(failure?.message == message)
        #expect(failure?.status == .usage)
        #expect(failure?.remedy != nil)
    }
}
