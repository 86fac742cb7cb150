import Analysis
import ArgumentParser
import Linux
import OCI

/// `thaw diff`
struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compare two images, file by file and setting by setting.",
        discussion: "Example: thaw diff app:1.0 app:1.1")
    @OptionGroup var global: GlobalOptions
    @Option(help: "text or json") var format: OutputFormat = .text
    @Argument(help: "The older image: a name in the store, or oci:DIR[:TAG].") var before: ImageArgument
    @Argument(help: "The newer image.") var after: ImageArgument

    func run() async throws {
        let store = try global.store()
        let difference = try await Difference(between: before.image(in: store), and: after.image(in: store))
        switch format {
        case .text: Terminal.print(difference.text())
        case .json: Terminal.print(difference.json)
        }
    }
}
