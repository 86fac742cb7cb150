import Analysis
import ArgumentParser
import Jobs
import Linux
import OCI

/// The command `thaw diff`.
struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare two images, file by file and setting by setting.",
        discussion: "Example: thaw diff app:1.0 app:1.1")
    @OptionGroup var global: GlobalOptions
    @Option(help: "Output format.") var format: OutputFormat = .text
    @Argument(help: "Older image: NAME, docker://NAME, oci:DIR[:TAG] or another source of 'thaw copy'.")
    var before: ImageArgument
    @Argument(help: "Newer image, in the same forms.") var after: ImageArgument

    func run() async throws {
        let store = try global.store()
        let difference = try await ImageDiff(between: before.image(in: store), and: after.image(in: store))
        switch format {
        case .text: Terminal.print(difference.text())
        case .json: Terminal.print(difference.json)
        }
    }
}
