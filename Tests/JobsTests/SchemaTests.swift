import Harness
import Jobs
import Testing

/// The schemas in `docs/json`, which are generated from ``DocumentKind``.
@Suite struct SchemaTests {
    private static let directory = "\(Repository.path)/docs/json"

    @Test("docs/json is current; THAW_UPDATE_DOCS=1 writes it", arguments: DocumentKind.allCases)
    func current(kind: DocumentKind) throws {
        let file = "\(Self.directory)/\(kind.rawValue).schema.json"
        let text = kind.schema.file(title: kind.command)
        if Environment["THAW_UPDATE_DOCS"] != nil { try replaceFile(file, with: Array(text.utf8)) }
        #expect(try Program.shell("cat '\(file)'") == text.dropLast(), "run this test with THAW_UPDATE_DOCS=1")
    }

    @Test("docs/json has no other schema")
    func noOthers() throws {
        let files = try Program.shell("ls '\(Self.directory)'").split(separator: "\n").map(String.init)
        #expect(files == (DocumentKind.allCases.map(\.rawValue) + ["thaw.toml"]).sorted().map { "\($0).schema.json" })
    }

    @Test("A wrong type, a missing member, an unknown member and an unknown word violate a schema")
    func violations() throws {
        let schema = try DocumentSchema("gate")
        func check(_ text: String) throws -> [String] { schema.violations(by: try Document(parsing: text)) }
        let rest = #""schemaVersion": 1, "kind": "gate""#
        #expect(try check(#"{\#(rest), "holds": true, "budgets": []}"#) == [])
        #expect(try check(#"{\#(rest), "holds": 1, "budgets": []}"#).count == 1)
        #expect(try check(#"{\#(rest), "holds": true}"#) == ["$.budgets is missing"])
        #expect(try check(#"{\#(rest), "holds": true, "budgets": [], "x": 1}"#) == ["$.x is not in the schema"])
        #expect(try check(#"{"schemaVersion": 1, "kind": "boot", "holds": true, "budgets": []}"#).count == 1)
        #expect(try check(#"{\#(rest), "holds": true, "budgets": [{"name": "size"}]}"#).count == 3)
    }
}
