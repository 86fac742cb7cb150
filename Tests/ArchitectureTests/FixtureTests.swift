import Harness
import Testing

/// The check that every file in `fixtures` is used.
@Suite struct FixtureTests {
    @Test("Every Dockerfile of the corpus has an expectation, and every expectation a Dockerfile")
    func corpus() throws {
        let files = try Sources.files(below: "fixtures/dockerfiles").map { $0.split(separator: "/").last ?? "" }
        let names = { (suffix: String) in Set(files.filter { $0.hasSuffix(suffix) }.map { $0.dropLast(suffix.count) }) }
        #expect(names(".Dockerfile") == names(".ast").union(names(".error")))
        #expect(!files.isEmpty)
    }

    @Test("Every other file, or its folder, is named by a test, the Makefile or a script")
    func used() throws {
        let users = try Sources.files(below: "Tests", "fixtures", "Makefile", ".ci", "CONTRIBUTING.md").filter {
            $0.hasSuffix(".swift") || $0.hasSuffix(".sh") || $0.hasSuffix(".py") || $0.hasPrefix(".ci")
                || $0 == "Makefile"
                || $0.hasSuffix(".md")
        }
        let texts = try users.map { (path: $0, text: try Sources.text($0)) }
        for file in try Sources.files(below: "fixtures") where !file.hasPrefix("fixtures/dockerfiles/") {
            let parts = file.split(separator: "/").map(String.init)
            // A folder of a folder is used as a whole: an application, a corpus.
            let name = parts.count > 3 ? parts[2] : parts.last ?? ""
            // So is a folder that a script passes by its name.
            let folder = parts.count > 2 ? "/\(parts[1])\"" : name
            #expect(
                texts.contains { $0.path != file && ($0.text.contains(name) || $0.text.contains(folder)) },
                "nothing names \(file)")
        }
    }
}
