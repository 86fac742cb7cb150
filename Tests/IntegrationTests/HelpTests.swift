import Harness
import Testing

/// The help, and the example in each command's help.
@Suite struct HelpTests {
    static let commands = [
        "optimize", "pull", "push", "login", "logout", "inspect", "build", "history", "analyze", "slim", "boot", "gate",
        "lint", "images", "load", "save", "import",
        "diff", "debug", "cache", "copy", "tag", "rm", "df", "prune", "doctor", "list-tags", "catalog", "referrers",
        "delete", "init",
    ]

    @Test("The help lists every command")
    func lists() throws {
        let text = try Program.run([Binary.path, "--help"]).output
        for command in Self.commands { #expect(text.contains("\n  \(command) ")) }
    }

    @Test("Options in a command's example are options of that command", arguments: commands)
    func example(command: String) throws {
        let outcome = try Program.run([Binary.path, command, "--help"])
        #expect(outcome.status == 0)
        let parts = outcome.output.split(separator: "USAGE:", maxSplits: 1)
        try #require(parts.count == 2)
        let overview = parts[0].split(whereSeparator: \.isWhitespace).map(String.init)
        guard let start = overview.firstIndex(of: "Example:") else { return }
        #expect(overview[start...].contains("thaw"))
        #expect(overview[start...].contains(command))
        for word in overview[start...] where word.hasPrefix("-") && word != "-" {
            let option = word.split(separator: "=")[0]
            #expect(parts[1].contains("\(option) ") || parts[1].contains("\(option),"), "\(option)")
        }
    }

    @Test(
        "--version and version print a version, and the digest of the guest's init",
        arguments: ["--version", "version"])
    func version(word: String) throws {
        let outcome = try Program.run([Binary.path, word])
        #expect(outcome.status == 0)
        let lines = outcome.line.split(separator: "\n")
        #expect(lines.first?.split(separator: ".").count == 3)
        let digest = try Program.shell("sha256sum <'\(Binary.path)-init'").prefix(64)
        #expect(lines.last == "init sha256:\(digest)")
    }

    @Test("help config names every key of thaw.toml")
    func config() throws {
        let text = try Program.run([Binary.path, "help", "config"]).output
        for key in ["[build]", "[budget]", "  forbidden-packages = ", "  dockerfile = ", "[[waive]]"] {
            #expect(text.contains(key))
        }
    }

    /// Examples of the help that run on an image with their names.
    static let runnable: [[String]] = [
        ["history", "--no-trunc", "app:latest"], ["analyze", "--format", "html", "-o", "report.html", "app:latest"],
        ["analyze", "--files", "--layer", "0", "app:latest"],
        ["copy", "app:latest", "oci:layout:app"], ["gate", "--config", "thaw.toml", "app:latest"],
        ["slim", "app:latest", "-t", "app:slim", "--include", "/srv/**", "--keep", "shell"], ["prune", "--all"],
        ["save", "-o", "app.tar", "app:latest"], ["df", "--format", "json"], ["images", "--format", "json", "app"],
        ["inspect", "--verify", "app:latest"], ["tag", "app:latest", "app:1.2"], ["rm", "app:latest"],
    ]

    @Test("The examples run", arguments: runnable)
    func runs(words: [String]) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.succeed("tag", "busybox", "app:latest")
        try directory.write("thaw.toml", "[budget]\nsize = \"100MB\"\n")
        let outcome = try directory.start(words).wait()
        #expect(outcome.status == 0, "\(outcome.error)")
        let help = try Program.run([Binary.path, words[0], "--help"]).output
        let text = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        let example = words.map { $0.contains("*") ? "'\($0)'" : $0 }.joined(separator: " ")
        let wanted = "Example: thaw " + example.replacing(path: "oci:layout:app", with: "oci:/tmp/layout:app")
        #expect(text.contains(wanted), "\(wanted) is not in the help")
    }
}

extension String {
    fileprivate func replacing(path: String, with other: String) -> String {
        split(separator: " ").map { $0 == path ? other[...] : $0 }.joined(separator: " ")
    }
}
