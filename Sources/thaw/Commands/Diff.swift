import Analysis
import ArgumentParser
import Jobs
import Linux
import OCI
import TTY

/// The command `thaw diff`.
struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare two images: size, packages, layers, directories, files, configuration, history.",
        discussion: """
            Layers are compared by their contents, not by their numbers. The text has the 20 largest changes of each \
            kind; --format json has all.
            Example: thaw diff app:1.0 app:1.1
            Example: thaw diff --format markdown app:main app:pr
            """)
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format.") var format: Format = .text
    @Flag(help: "Ignore times and orders, as between two builds of the same sources.") var semantic = false
    @Flag(help: "Exit with status 2 if the images differ.") var exitCode = false
    @Argument(help: "Older image: NAME, docker://NAME, oci:DIR[:TAG] or another source of 'thaw copy'.")
    var before: NamedImage
    @Argument(help: "Newer image, in the same forms.") var after: NamedImage

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, markdown
    }

    func run() async throws {
        let store = try global.store()
        let comparison = try await ImageComparison(
            between: before.exported(in: store), and: after.exported(in: store),
            names: (before.text, after.text),
            isSemantic: semantic)
        switch format {
        case .text: Terminal.print(comparison.text())
        case .json: Terminal.print(comparison.json)
        case .markdown: Terminal.print(comparison.markdown)
        }
        if exitCode, !comparison.isEmpty { throw ExitCode(CommandStatus.gateBroken.rawValue) }
    }
}
