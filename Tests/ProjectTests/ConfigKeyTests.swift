import Linux
import Testing

@testable import Project

/// The one table of the keys of `thaw.toml`.
@Suite struct ConfigKeyTests {
    @Test("The table has the sections and keys that the reader accepts, in its order")
    func complete() {
        #expect(ConfigSection.all.map(\.name) == File.acceptedKeys[""])
        for section in ConfigSection.all {
            #expect(section.keys.map(\.name) == File.acceptedKeys[section.name], "\(section.header)")
        }
    }

    @Test("The reader accepts each key's example, which changes the project", arguments: ConfigKey.all.map(\.path))
    func example(path: String) throws {
        let key = try #require(ConfigKey.named(path))
        guard key.section != "waive" else { return try waiver() }
        let project = try ProjectFile(parsing: "[\(key.section)]\n\(key.name) = \(key.example)\n", name: "thaw.toml")
        #expect(project != ProjectFile())
    }

    private func waiver() throws {
        let lines = ConfigSection.all.filter(\.isRepeated).flatMap { section in
            [section.header] + section.keys.map { "\($0.name) = \($0.example)" }
        }
        #expect(try ProjectFile(parsing: lines.joined(separator: "\n"), name: "thaw.toml").waivers.count == 1)
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
        ("[[waive]]\nrule = \"size\"\n", "thaw.toml:1: 'waive.reason': it is missing"),
    ]

    @Test("A wrong value is reported with its line and the form that is expected", arguments: wrong)
    func value(text: String, message: String) {
        let error = #expect(throws: ProjectError.self) { try ProjectFile(parsing: text, name: "thaw.toml") }
        #expect(error?.description == message)
    }
}
