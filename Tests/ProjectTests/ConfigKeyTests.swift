import Linux
import Testing

@testable import Project

/// The one table of the keys of `thaw.toml`.
@Suite struct ConfigKeyTests {
    @Test("The table has the sections and keys that the reader accepts, in its order")
    func complete() {
        #expect(ProjectFile.keys == TOMLFile.acceptedKeys)
    }

    @Test("The reader accepts each key's example, which changes the project", arguments: ConfigKey.all.map(\.path))
    func example(path: String) throws {
        let key = try #require(ConfigKey.named(path))
        let section = try #require(ConfigSection.all.first { $0.name == key.section })
        // An allowance needs a condition besides its reason.
        let needed = section.requiredKeys + (path == "secrets.allow.reason" ? ["path"] : [])
        let required = section.keys.filter { needed.contains($0.name) && $0 != key }
        let lines = [section.header] + (required + [key]).map { "\($0.name) = \($0.example)" }
        let project = try ProjectFile(parsing: lines.joined(separator: "\n"), name: "thaw.toml")
        #expect(project != ProjectFile())
    }

    static let wrong: [(text: String, message: String)] = [
        ("[budget]\n\nlayers = \"x\"\n", "thaw.toml:3: 'budget.layers': it must be a whole number of 1 or more"),
        ("[budget]\nroot = 1\n", "thaw.toml:2: 'budget.root': it must be true or false"),
        (
            "[budget]\nsize = \"1XB\"\n",
            "thaw.toml:2: 'budget.size': '1XB' is not a size such as 60MB, 256MiB or 60000000"
        ),
        (
            "[budget]\nstart = \"5 parsecs\"\n",
            "thaw.toml:2: 'budget.start': '5 parsecs' is not a time such as 500ms, 20s or 2m"
        ),
        ("[slim]\nkeep = \"certs\"\n", "thaw.toml:2: 'slim.keep': it must be a list of texts"),
        ("[probe]\ntcp = \"x\"\n", "thaw.toml:2: 'probe.tcp': it must be a port from 1 to 65535"),
        (
            "[probe]\nhttp = \"80/\"\ntcp = 80\n",
            "thaw.toml:3: [probe] has http and tcp, but only one probe is allowed"
        ),
        ("[[waive]]\nrule = \"size\"\n", "thaw.toml:1: 'waive.reason': it must be a text"),
    ]

    @Test("A wrong value is reported with its line and the form that is expected", arguments: wrong)
    func value(text: String, message: String) {
        let error = #expect(throws: ProjectError.self) { try ProjectFile(parsing: text, name: "thaw.toml") }
        #expect(error?.description == message)
    }

    static let headers: [(text: String, line: Int?)] = [
        ("[?]", 1), ("a = 1\n[[\u{17}x]]\n", 2), ("[\n", 1), ("[ [x] ]", nil), ("[]", nil), ("[", nil),
        ("a = \"\"\"\n[?]\n\"\"\"\n[x]\n", nil), ("a = [\n[1],\n[{}]\n]\n", nil), ("a = '[?'\n#[?\n[\"a b\".c]", nil),
        ("a = \"\\\"\n[?]", 2), ("  [ ä]", 1), ("a = \"\"\"\n\"\"\"\n[=]", 3),
    ]

    @Test("A table header without a name is refused before the TOML parser, which it would end", arguments: headers)
    func header(text: String, line: Int?) {
        #expect(TOMLHeaders.malformedLine(in: text) == line)
        // A text with such a header must end neither this process nor the reader.
        _ = try? ProjectFile(parsing: text, name: "thaw.toml")
    }
}
