import Analysis
import ArgumentParser
import Jobs
import Linux
import OCI

/// The command `thaw history`.
struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show the history of an image, newest step first, with the size of each step.",
        discussion: "Example: thaw history --no-trunc app:latest")
    @OptionGroup var global: GlobalOptions
    @Flag(help: "Do not truncate commands.") var noTrunc = false
    @Option(help: "Output format.") var format: Format = .table
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    func run() async throws {
        let store = try global.store()
        let image = try await image.exportedImage(in: store)
        let history = ImageHistory(of: image, in: try await store.tree(of: image))
        switch format {
        case .table: Terminal.print(history.text(noTruncation: noTrunc))
        case .json: Terminal.print(history.json)
        }
    }
}
