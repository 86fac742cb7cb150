import Analysis
import ArgumentParser
import Glibc
import Jobs
import Linux
import OCI
import TTY

/// The command `thaw history`.
struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show the history of an image, newest step first, with the size of each step.",
        discussion: """
            For an image in a registry only its configuration is downloaded; --unpacked downloads the layers too.
            Example: thaw history --no-trunc app:latest
            Example: thaw history --format 'table {{.CreatedBy}}\\t{{.Size}}' app:latest
            """)
    @OptionGroup var global: GlobalOptions
    @Flag(help: "Do not truncate commands and digests.") var noTrunc = false
    @Flag(
        name: [.customShort("H"), .long], inversion: .prefixedNo,
        help: "Print sizes and ages in human-readable form.")
    var human = true
    @Flag(name: .shortAndLong, help: "Print only image IDs.") var quiet = false
    @Flag(help: "Download the layers of an image in a registry, to print their unpacked sizes.") var unpacked = false
    @Option(
        help: ArgumentHelp(
            "Format: table, json, or a Go template such as '{{.ID}} {{.CreatedBy}}', also after 'table'.",
            valueName: "format"))
    var format = "table"
    @Argument(help: ArgumentHelp(Transport.help)) var image: NamedImage

    func run() async throws {
        let template = ["table", "json"].contains(format) ? nil : try Template(format, besides: "table or json")
        let store = try global.store()
        let subject = try await image.exported(in: store)
        let history = try await HistoryJob(in: store, Transport(image.text)).history(of: subject, downloads: unpacked)
        if format == "json", !quiet { return Terminal.print(history.json) }
        let table = HistoryTable(history, isHuman: human, isTruncated: !noTrunc, now: Int64(time(nil)))
        Terminal.print(quiet ? table.identifiers : try table.text(template))
    }
}
