import ArgumentParser
import Jobs
import OCI
import Registry
import TTY

/// The command `thaw rebase`.
struct Rebase: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put an image on another base, without building it again.",
        discussion: """
            The layers of the old base are replaced by those of the new one; the image's own layers and its configuration \
            stay. The base is the one that the image names in its annotations, as thaw build writes them.
            Example: thaw rebase app:latest
            Example: thaw rebase app:latest --onto debian:bookworm-slim -t app:patched
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var registry: RegistryOptions
    @Option(
        help: ArgumentHelp(
            "New base. (default: the current image with the name of the old base)", valueName: "image"))
    var onto: String?
    @Option(help: ArgumentHelp("Old base, for an image that does not name it.", valueName: "image"))
    var oldBase: String?
    @Option(
        name: [.customShort("t"), .long],
        help: ArgumentHelp("Name of the result in the store. (default: the image's own)", valueName: "name"))
    var tag: String?
    @OptionGroup var progress: ProgressArguments
    @Argument(help: ArgumentHelp(Transport.help)) var image: NamedImage

    func run() async throws {
        let source = try Transport(image.text)
        let job = RebaseJob(in: try global.store(), client: try registry.client(progress.style), host: TerminalHost())
        let result = try await job.run(
            source, named: image.text, from: oldBase, onto: onto, as: RebaseJob.target(tag, of: source))
        Terminal.print("\(try result.id())")
    }
}
