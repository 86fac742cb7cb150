import ArgumentParser
import Build
import Jobs
import Linux
import OCI
import Project
import SystemPackage

/// The command `thaw build`.
struct BuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build", abstract: "Build an image from a Dockerfile.",
        discussion: """
            Example: thaw build -t app:latest --build-arg VERSION=2 .
            Example: thaw build --memory 512m --cpus 1 --timeout 10m .
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: BuildOptions
    @OptionGroup var limits: LimitArguments

    @Option(
        name: [.customShort("t"), .long],
        help: ArgumentHelp("Name and optionally a tag of the image: NAME[:TAG]. Can be repeated.", valueName: "name"))
    var tag: [String] = []

    @OptionGroup var outputs: OutputOptions

    @Option(
        help: ArgumentHelp(
            "Write the image ID (the configuration's digest; of several platforms the index's) to a file.",
            valueName: "file"))
    var iidfile: String?

    @Option(help: ArgumentHelp("Write build result metadata (digests, steps) to a file as JSON.", valueName: "file"))
    var metadataFile: String?

    @OptionGroup var progress: ProgressArguments

    @OptionGroup var attestations: AttestationArguments

    @Flag(help: "Shorthand for --call check.")
    var check = false

    @Option(
        help: ArgumentHelp(
            "Method of evaluation: build, check, outline or targets; with ,format=json for scripts.",
            valueName: "method"))
    var call = "build"

    @Flag(help: "Build twice without the cache, and fail at the first difference of the images.")
    var verify = false

    @Argument(
        help:
            "Build context: a directory, git repository, URL of a tar, or - for a tar or Dockerfile on stdin."
    )
    var context = "."

    func run() async throws {
        let attestations = try attestations.request()
        if check || call != "build" { return try await show() }
        let list = try outputs.list()
        let annotations = try outputs.annotations()
        let names = try tag.map(reference)
        if verify, context == "-" || options.file == "-" {
            throw Failure("--verify reads everything twice, but standard input can be read only once", status: .usage)
        }
        try Output.check(
            list, annotations, names: names, platforms: options.platforms(), isAttested: !attestations.isEmpty,
            host: TerminalHost())
        try expectWritable(list)
        let (store, host) = (try global.store(), TerminalHost(isQuiet: progress.style == .quiet))
        // The lease keeps a garbage collection from removing the image before it has a name.
        let lease = try store.lease()
        let compression = Output.compression(of: list)
        let caches = try options.cache.exports()
        let isInline = try caches.contains(where: \.isInline) || options.requestsInlineCache()
        // Exported caches list compressed layers. Attestations, --metadata-file and the ID of an index name the
        // manifest that is exported.
        let needsCompression =
            try !caches.isEmpty || isInline || outputs.squash != nil || !attestations.isEmpty || metadataFile != nil
            || options.platforms().count > 1
        let isDeferred = Output.defersCompression(of: list) && !needsCompression
        let results =
            verify
            ? [try await verified(store, compression)]
            : try await options.builds(
                context: context, in: store, progress: progress.style, compression: compression,
                isDeferred: isDeferred, limits: limits.apply)
        for cache in caches { for result in results { try await cache.write(result, in: store, host) } }
        let images = try outputs.squashed(
            results.map { isInline ? $0.withInlineCache() : $0 }, into: store,
            compression: options.compression ?? compression ?? .gzip)
        let attester = try await Attester(
            attestations, of: results, parameters: options.parameters(), version: Thaw.version)
        let sender = Outputs(
            store: store, images: images, annotations: annotations, names: names, epoch: results.first?.epoch,
            attester: attester, host: host)
        var set: ImageSet?
        for output in list {
            let written = try await sender.write(output)
            set = set ?? written
        }
        let shown = if let set { set } else { try await sender.set(Output(.image)) }
        try lease.release()
        try reportImages(
            shown, results, names: list.flatMap(\.names) + names, more: attester?.metadata ?? [:],
            isPrinted: !list.contains { $0.destination == "-" })
    }

    /// Expects that all outputs can be written, before the build takes minutes.
    private func expectWritable(_ outputs: [Output]) throws {
        for output in outputs { try output.expectWritable() }
        for cache in try options.cache.exports() { try cache.expectWritable() }
        for (file, option) in [(iidfile, "--iidfile"), (metadataFile, "--metadata-file")] {
            if let file { try FileDestination.expectWritable(FilePath(file), for: option) }
        }
    }

    private func reportImages(
        _ set: ImageSet, _ results: [BuildResult], names: [Reference], more: [String: JSON], isPrinted: Bool
    ) throws {
        let id = try set.id()
        if let iidfile { try replaceFile(iidfile, with: Array("\(id)".utf8)) }
        if let metadataFile {
            let metadata = JSON.buildMetadata(
                of: set, config: results.count == 1 ? id : nil, results.flatMap(\.steps), names: names, more: more)
            try replaceFile(metadataFile, with: Array(metadata.text.utf8))
        }
        isPrinted ? Terminal.print("\(id)") : Terminal.report("\(id)")
    }

    private func show() async throws {
        let parts = call.split(separator: ",").map(String.init)
        let isJSON = parts.contains("format=json")
        let path = try BuildSources(context, file: options.file).path()
        let view = DockerfileView(
            path, arguments: try options.arguments(ProjectFile()), openStore: global.existingStore)
        switch check ? "check" : parts.first ?? "" {
        case "check":
            let findings = try await view.findings()
            isJSON ? Terminal.print(json: view.json(findings)) : Terminal.print(view.text(findings))
            if !findings.isEmpty, !parts.contains("ignorestatus=true") { throw ExitCode(CommandStatus.failed.rawValue) }
        case "outline":
            isJSON
                ? Terminal.print(try view.outline(options.target).json)
                : Terminal.print(try view.outline(options.target).text)
        case "targets": isJSON ? Terminal.print(try view.targets()) : Terminal.print(try view.targetsText())
        default: throw Failure("--call '\(call)' is not build, check, outline or targets", status: .usage)
        }
    }

    /// Builds twice and compares the images.
    ///
    /// The second build runs another number of stages at once, so that dependence on their order shows too.
    private func verified(_ store: Store, _ compression: OCI.Compression?) async throws -> BuildResult {
        var options = options
        options.noCache = true
        options.compression = options.compression ?? compression
        let first = try await options.build(
            context: context, in: store, progress: progress.style, limits: limits.apply)
        options.jobs = options.jobs == 1 ? 2 : 1
        let second = try await options.build(
            context: context, in: store, progress: progress.style, limits: limits.apply)
        try await Reproducibility.expectSame(first, second) { Terminal.report($0) }
        return first
    }
}
