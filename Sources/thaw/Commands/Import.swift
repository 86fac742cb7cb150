import ArgumentParser
import Jobs
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
        let name = try reference(name)
        Terminal.print("\(try ImportJob(change, platform: platform).run(tar, as: name, in: global.store()))")
    }
}
