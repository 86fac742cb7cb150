import ArgumentParser
import Jobs
import Linux
import SystemPackage
import TTY

/// The command `thaw init`.
struct Init: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write a commented thaw.toml from what a project has.",
        discussion: """
            It reads the Dockerfile and wrangler's file. What they say is set, all other keys are comments.
            Example: thaw init .
            Example: thaw init --print .
            """)
    @OptionGroup var global: GlobalOptions
    @Flag(help: "Print the file instead of writing it.") var print = false
    @Flag(help: "Replace a thaw.toml that exists.") var force = false
    @Argument(help: "Directory of the project.") var directory = "."

    func run() throws {
        let path = FilePath(directory)
        guard fileExists(path) else { throw Failure("there is no directory '\(directory)'", status: .usage) }
        let findings = try ProjectFindings(of: path)
        let text = ConfigTemplate.text(findings)
        if print { return Terminal.print(text) }
        let file = path.appending("thaw.toml").lexicallyNormalized()
        guard force || !fileExists(file) else {
            throw Failure(
                "'\(file)' exists", remedy: "--force replaces it; --print shows what would be written", status: .usage)
        }
        try replaceFile(file.string, with: Array(text.utf8))
        for remark in findings.remarks { Terminal.report("found \(remark)") }
        Terminal.print("\(file)")
    }
}
