import Harness
import Testing

/// The workflows of docs/ci, run as their systems would run them: the same commands, variables and files.
@Suite struct ContinuousIntegrationTests {
    /// Each workflow, with the variables that its system sets; `$D` is the directory of the test.
    static let workflows: [(file: String, environment: [String: String])] = [
        ("github.yml", ["CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "$D/summary.md"]),
        ("gitlab.yml", ["CI": "true", "GITLAB_CI": "true"]),
        ("buildkite.yml", ["CI": "true", "BUILDKITE": "true"]),
        ("Jenkinsfile", ["CI": "true", "JENKINS_URL": "http://127.0.0.1"]),
        ("job.yaml", [:]),
    ]

    @Test("A workflow's commands pass for an image within its budgets, and fail for one beyond", arguments: workflows)
    func runs(file: String, environment: [String: String]) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("Dockerfile", "FROM busybox\nCOPY Dockerfile /srv/Dockerfile\n")
        let commands = try Self.commands(of: file)
        #expect(commands.count >= 2)
        for (budget, holds) in [("20MB", true), ("1kB", false)] {
            try directory.write("thaw.toml", "[budget]\nsize = \"\(budget)\"\n")
            let outcome = try Self.run(commands, in: directory, environment)
            #expect((outcome.status == 0) == holds, "\(file), \(budget): \(outcome.status) \(outcome.error)")
            if !holds { #expect(outcome.status == 2, "\(outcome.error)") }
        }
    }

    @Test("GitHub's job gets annotations, and a summary without an option")
    func summary() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("Dockerfile", "FROM busybox\nCOPY Dockerfile /srv/Dockerfile\n")
        try directory.write("thaw.toml", "[budget]\nsize = \"1kB\"\n")
        let outcome = try Self.run(Self.commands(of: "github.yml"), in: directory, Self.workflows[0].environment)
        #expect(outcome.status == 2)
        #expect(outcome.output.contains("::error file=thaw.toml,line=2"), "\(outcome.output)")
        #expect(try directory.read("summary.md").contains("| "))
        for file in ["thaw.xml", "thaw.sarif"] { #expect(try !directory.read(file).isEmpty) }
    }

    /// Returns the lines of a workflow that call thaw, in order.
    static func commands(of file: String) throws -> [String] {
        let text = try Program.shell("cat '\(Repository.path)/docs/ci/\(file)'")
        return text.split(separator: "\n").compactMap { line in
            var command = line.drop { $0 == " " || $0 == "-" }
            for prefix in ["run: ", "sh '"] where command.hasPrefix(prefix) {
                command = command.dropFirst(prefix.count)
            }
            if command.hasSuffix("'") { command = command.dropLast() }
            return command.hasPrefix("thaw ") ? String(command) : nil
        }
    }

    private static func run(
        _ commands: [String], in directory: TestDirectory, _ environment: [String: String]
    ) throws -> ProgramResult {
        var variables = environment.mapValues { $0.replacing("$D", with: directory.path) }
        variables["THAW_STORE"] = directory.store
        let folder = Binary.path.split(separator: "/").dropLast().joined(separator: "/")
        let script = "export PATH=/\(folder):$PATH\n" + commands.joined(separator: "\n")
        return try Program(["sh", "-ec", script], in: directory.path, environment: variables).wait()
    }
}
