public import Analysis
public import ArgumentParser
import Jobs
import OCI
import SystemPackage
import TTY

/// The command `thaw scan`.
struct Scan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the known vulnerabilities of an image's packages, by OSV databases on this machine.",
        discussion: """
            A database is a directory or a zip of JSON documents in OSV's format, such as the exports of Debian, Alpine, \
            npm or PyPI. Nothing is sent anywhere. The exit status is 2 if --fail-on finds one.
            Example: thaw scan --db osv --fail-on high app:latest
            """)
    @OptionGroup var global: GlobalOptions
    @Option(help: ArgumentHelp("Database: a directory or a zip. Can be repeated.", valueName: "dir|zip"))
    var db: [String] = []
    @Option(help: "Output format.") var format: FindingFormat = .text
    @Option(help: "Fail if a vulnerability is at least this severe.") var failOn: CVSSRating?
    @Argument(help: ArgumentHelp(Transport.help)) var image: NamedImage

    func validate() throws {
        if db.isEmpty { throw ValidationError("thaw scan needs a database; add --db DIR or --db ZIP") }
    }

    func run() async throws {
        let store = try global.store()
        let subject = try await image.exported(in: store)
        let scan = try await ScanJob(in: store).scan(subject, databases: db.map { FilePath($0) })
        switch format {
        case .text: Terminal.print(scan.text)
        case .json: Terminal.print(scan.document(of: subject, named: image.text))
        case .sarif: Terminal.print(scan.sarif(of: image.text, version: Version.text))
        }
        if scan.fails(on: failOn) { throw ExitCode(CommandStatus.gateBroken.rawValue) }
    }
}

extension CVSSRating: ExpressibleByArgument {}
