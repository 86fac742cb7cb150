import Harness
import Linux
import Project
import Testing

@testable import Jobs

/// The pages about `thaw.toml`, and the file of `thaw init`.
@Suite struct ConfigTests {
    static let generated: [(path: String, text: String)] = [
        ("docs/thaw.toml.md", ConfigHelp.page), ("docs/json/thaw.toml.schema.json", ConfigSchema.file),
    ]

    @Test("The pages about thaw.toml are current; THAW_UPDATE_DOCS=1 writes them", arguments: generated)
    func current(path: String, text: String) throws {
        let file = "\(Repository.path)/\(path)"
        if Environment["THAW_UPDATE_DOCS"] != nil { try replaceFile(file, with: Array(text.utf8)) }
        #expect(try Program.shell("cat '\(file)'") + "\n" == text, "run this test with THAW_UPDATE_DOCS=1")
    }

    @Test("The reader accepts each example of docs/thaw.toml.md")
    func examples() throws {
        let parts = ConfigHelp.page.split(separator: "```toml\n").dropFirst()
        #expect(parts.count == ConfigSection.all.count)
        for part in parts {
            let text = part.components(before: "```")
            #expect(try ProjectFile(parsing: text, name: "example") != ProjectFile(), "\(text)")
        }
    }

    @Test("The reader accepts the file of init, and with each comment removed the key that it names")
    func template() throws {
        var findings = ProjectFindings()
        (findings.dockerfile, findings.probe, findings.memory) = ("a/Dockerfile", "tcp = 80", ByteCount(1 << 30))
        let text = ConfigTemplate.text(findings)
        let project = try ProjectFile(parsing: text, name: "thaw.toml")
        #expect(project.build.dockerfile == "a/Dockerfile" && project.probe == "tcp:80")
        #expect(project.boot.memory == ByteCount(1 << 30) && project.budget.secrets == 0)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where line.hasPrefix("# ") && line.contains(" = ") {
            guard
                ConfigKey.all.contains(where: {
                    line.hasPrefix("# \($0.name) = ")
                        && !["waive", "secrets.rule", "secrets.allow"].contains($0.section)
                })
            else {
                continue
            }
            var other = lines
            other[index] = line.dropFirst(2)
            if ["http", "exec", "log"].contains(where: { line.hasPrefix("# \($0) = ") }) {
                other.removeAll { $0.hasPrefix("tcp = ") }
            }
            #expect(try ProjectFile(parsing: other.joined(separator: "\n"), name: "x") != project, "\(line)")
        }
    }
}

extension Substring {
    /// The text before the first occurrence of a separator.
    fileprivate func components(before separator: String) -> String {
        split(separator: separator, maxSplits: 1).first.map(String.init) ?? ""
    }
}
