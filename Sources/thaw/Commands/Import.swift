import ArgumentParser
import Glibc
import Jobs
import Linux
import OCI
import SystemPackage
import TTY

/// The command `thaw import`.
struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create an image from a tar of a root file system.",
        discussion: "Example: thaw import --change 'CMD [\"bash\"]' rootfs.tar debian:bookworm-slim")
    @OptionGroup var global: GlobalOptions
    @Option(
        name: [.customShort("c"), .long],
        help: ArgumentHelp(
            """
            Apply a Dockerfile instruction to the image: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, USER, VOLUME or WORKDIR. \
            Can be repeated.
            """, valueName: "instruction"))
    var change: [String] = []
    @Option(help: ArgumentHelp("Platform of the image. (default: this machine's)", valueName: "os/arch"))
    var platform: String?
    @Argument(help: "The tar, plain or compressed, or - for stdin.") var tar: String
    @Argument(help: "Name of the image.") var name: String

    func run() throws {
        let store = try global.store()
        let name = try reference(name)
        let changes = try ConfigChanges(change)
        let seconds = Environment["SOURCE_DATE_EPOCH"].flatMap { Int64($0) } ?? Int64(time(nil))
        let lease = try store.lease()
        let image = try store.importRootfs(
            FilePath(tar == "-" ? "/dev/stdin" : tar), platform: try platform.map(Jobs.platform) ?? .host,
            created: RFC3339.text(seconds), comment: nil
        ) { try changes.apply(to: &$0) }
        let digest = try store.publish(image, as: name).digest
        try lease.release()
        Terminal.print("\(digest)")
    }
}
