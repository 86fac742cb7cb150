import ArgumentParser
import Jobs
import Linux
import OCI
import Registry
import TTY

/// The command `thaw copy`.
struct CopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy images between the store, registries, OCI layouts, archives, Docker and Podman.",
        discussion: """
            With --all-tags, both places are repositories or layouts, and every tag keeps its name.
            Example: thaw copy app:latest oci:/tmp/layout:app
            Example: thaw copy --all-tags --tags '1.*' --tags '!*-rc*' docker://HOST/app docker://MIRROR/app
            """)
    @OptionGroup var global: GlobalOptions
    @Option(help: ArgumentHelp("Copy only the image for this platform. (default: all)", valueName: "os/arch"))
    var platform: String?
    @Flag(help: "Copy the images for all platforms, and attestations; the default.") var all = false
    @Flag(help: "Fail if the destination can't keep the digests.") var preserveDigests = false
    @Flag(help: "Copy every tag of a repository or layout.") var allTags = false
    @Option(
        help: ArgumentHelp(
            "Copy only tags that match, or with ! not those. Needs --all-tags. Can be repeated.", valueName: "pattern"))
    var tags: [String] = []
    @Flag(help: "Print the tags that would be copied. Needs --all-tags.") var dryRun = false
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var progress: ProgressArguments
    @Argument(help: ArgumentHelp(Transport.help)) var from: NamedImage
    @Argument(help: "Destination, in the same forms; NAME is in the store.") var to: String

    func validate() throws {
        if all, platform != nil { throw ValidationError("--all and --platform exclude each other") }
        if !allTags, !tags.isEmpty || dryRun { throw ValidationError("--tags and --dry-run need --all-tags") }
    }

    func run() async throws {
        let job = CopyJob(in: try global.store(), client: try registry.client(progress.style), host: TerminalHost())
        let platform = try platform.map(Jobs.platform)
        guard allTags else {
            let (source, target) = (try Transport(from.text), try Transport(to))
            let digest = try await job.copy(
                source, named: from.text, to: target, platform: platform, keepsDigest: preserveDigests)
            return Terminal.print("\(digest)")
        }
        let (source, target) = (try TagPlace(from.text), try TagPlace(to))
        for tag in try await job.tags(of: source, named: from.text, TagFilter(tags)) {
            if dryRun {
                Terminal.print(tag.visibleLine)
                continue
            }
            let digest = try await job.copy(
                tag: tag, from: source, to: target, platform: platform, keepsDigest: preserveDigests)
            Terminal.print("\(digest)  \(tag)")
        }
    }
}
