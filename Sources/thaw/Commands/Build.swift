import Analysis
public import ArgumentParser
import Build
import Glibc
import Linux
public import OCI
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

    @Option(help: ArgumentHelp("Write the image ID (the configuration's digest) to a file.", valueName: "file"))
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
        try attestations.expectNone()
        if check || call != "build" { return try await show() }
        let list = try outputs.list()
        let annotations = try outputs.annotations()
        let names = try tag.map(reference)
        if verify, context == "-" || options.file == "-" {
            throw Failure("--verify reads everything twice, but standard input can be read only once", status: .usage)
        }
        try OutputOptions.check(list, annotations, names: names, platforms: options.platforms())
        try expectWritable(list)
        let store = try global.store()
        // The lease keeps a garbage collection from removing the image before it has a name.
        let lease = try store.lease()
        let compression = OutputOptions.compression(of: list)
        let results =
            verify
            ? [try await verified(store, compression)]
            : try await options.builds(
                context: context, in: store, progress: progress.style, compression: compression, limits: limits.apply)
        let caches = try options.cache.exports()
        let isInline = try caches.contains(where: \.isInline) || options.requestsInlineCache()
        for cache in caches { for result in results { try await cache.write(result, in: store) } }
        let images = try outputs.squashed(
            results.map { isInline ? $0.withInlineCache() : $0 }, into: store,
            compression: options.compression ?? compression ?? .gzip)
        let sender = Outputs(
            store: store, images: images, annotations: annotations, names: names, epoch: results.first?.epoch)
        var set: ImageSet?
        for output in list {
            let written = try await sender.write(output)
            set = set ?? written
        }
        let shown = if let set { set } else { try await sender.set(Output(.image)) }
        try lease.release()
        try reportImages(
            shown, results, names: list.flatMap(\.names) + names, isPrinted: !list.contains { $0.destination == "-" })
    }

    /// Expects that all outputs can be written, before the build takes minutes.
    private func expectWritable(_ outputs: [Output]) throws {
        for output in outputs { try output.expectWritable() }
        for cache in try options.cache.exports() { try cache.expectWritable() }
        for (file, option) in [(iidfile, "--iidfile"), (metadataFile, "--metadata-file")] {
            if let file { try Writable.expectFile(file == "-" ? "./-" : file, for: option) }
        }
    }

    private func reportImages(_ set: ImageSet, _ results: [BuildResult], names: [Reference], isPrinted: Bool) throws {
        let digest = set.descriptor.digest
        let config = set.descriptor.mediaType.isManifest ? try set.preferredImage().manifest.config.digest : nil
        if let iidfile { try replaceFile(iidfile, with: Array("\(config ?? digest)".utf8)) }
        if let metadataFile {
            var json = JSON.object([
                "containerimage.digest": .string("\(digest)"), "containerimage.descriptor": set.descriptor.json,
                "thaw.steps": .array(results.flatMap(\.steps).map(\.json)),
            ])
            json["containerimage.config.digest"] = config.map { .string("\($0)") }
            if !names.isEmpty { json["image.name"] = .string(names.map(\.description).joined(separator: ",")) }
            try replaceFile(metadataFile, with: Array(json.text.utf8))
        }
        isPrinted ? Terminal.print("\(digest)") : Terminal.report("\(digest)")
    }

    private func show() async throws {
        let parts = call.split(separator: ",").map(String.init)
        let isJSON = parts.contains("format=json")
        let path = try ContextArguments(context, file: options.file).path()
        let view = DockerfileView(path, arguments: try options.arguments(ProjectFile()), global)
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
        if first.image.descriptor.digest == second.image.descriptor.digest { return first }
        let difference = try await ImageDiff(between: first.image, and: second.image)
        Terminal.report(difference.text(limit: 20))
        let layer = difference.firstLayer.map { $0 < second.image.layers.count ? second.image.step(of: $0) : "" } ?? ""
        throw Failure(
            "two builds gave different images; the first layer that differs is that of: \(layer)",
            remedy: "the output of the command depends on time, randomness or order", status: .gateBroken)
    }
}

/// The options of a build, shared by several commands.
struct BuildOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp(
            """
            Name of the Dockerfile: a file, a URL or - for stdin; inside CONTEXT if that is no directory. (default: \
            CONTEXT/Dockerfile)
            """, valueName: "path"))
    var file: String?

    @Option(
        help: ArgumentHelp(
            """
            Additional build context for FROM and --from: a directory, docker-image://REF, oci-layout://DIR[:TAG], \
            target:STAGE, a git repository or a URL. Can be repeated.
            """, valueName: "name=value"))
    var buildContext: [String] = []

    @Option(help: ArgumentHelp("Target build stage. (default: the last)", valueName: "stage"))
    var target: String?

    @Option(
        help: ArgumentHelp(
            "Set a build-time variable (ARG); without =value it comes from the environment. Can be repeated.",
            valueName: "name=value"))
    var buildArg: [String] = []

    @Option(help: ArgumentHelp("Set a label of the image. Can be repeated.", valueName: "name=value"))
    var label: [String] = []

    @Flag(help: "Do not use the cache when building the image.")
    var noCache = false

    @Option(
        help: ArgumentHelp("Do not use the cache for these stages (STAGE,...). Can be repeated.", valueName: "stages"))
    var noCacheFilter: [String] = []

    @Flag(help: "Print for every step whether it was cached, and each input that changed.")
    var why = false

    @Flag(help: "Fail at the first step that is not cached, and name the inputs that changed.")
    var expectCached = false

    @OptionGroup var run: RunArguments
    @OptionGroup var cache: CacheArguments

    @Option(
        help: ArgumentHelp("Target platforms (OS/ARCH[/VARIANT],...). (default: this machine's)", valueName: "os/arch"))
    var platform: String?

    @Option(help: "Compression of layers, by default gzip.")
    var compression: OCI.Compression?

    @Option(help: ArgumentHelp("Number of stages that are built at once.", valueName: "count"))
    var jobs = 2

    /// Builds `context` for one platform.
    func build(
        context: String, in store: Store, progress: ProgressStyle, project: ProjectFile = ProjectFile(),
        limits: (inout BuildRequest) throws -> Void = { _ in }
    ) async throws -> BuildResult {
        let results = try await builds(
            context: context, in: store, progress: progress, project: project, limits: limits)
        guard results.count == 1 else { throw Failure("this command builds for one platform", status: .usage) }
        return results[0]
    }

    /// Builds `context` for each platform; an option takes precedence over the project's file.
    ///
    /// - Parameters:
    ///   - compression: The compression of layers without `--compression`.
    ///   - limits: Adds the command's own limits of RUN to the request.
    func builds(
        context: String, in store: Store, progress: ProgressStyle, project: ProjectFile = ProjectFile(),
        compression: OCI.Compression? = nil, limits: (inout BuildRequest) throws -> Void = { _ in }
    ) async throws -> [BuildResult] {
        let places = try ContextArguments(context, file: file, project)
        var request = BuildRequest(context: places.context, dockerfile: places.dockerfile)
        request.missingImage = try Registries.bases(for: store, progress)
        request.web = try Registries.http()
        request.contexts = try ContextArguments.contexts(buildContext)
        request.target = target ?? project.build.target
        request.arguments = try arguments(project)
        request.labels = try pairs(label, "--label")
        request.usesCache = !noCache
        let filtered = noCacheFilter.flatMap { $0.split(separator: ",") }
        request.uncachedStages = Set(filtered.map { $0.trimmingPrefix(while: \.isWhitespace).lowercased() })
        request.expectsCache = expectCached
        try run.apply(to: &request)
        try limits(&request)
        request.compression = self.compression ?? compression ?? .gzip
        request.width = max(1, jobs)
        request.epoch = try epoch(request.arguments)
        let view = BuildProgress(progress, explainsMisses: why)
        if progress != .quiet, let loneliness = Failure.singleUserRemedy { Terminal.note("\(loneliness)") }
        var results: [BuildResult] = []
        _ = try cache.exports()
        if try platforms().count > 1, context == "-" || file == "-" {
            throw Failure(
                "standard input can be read only once, but each platform reads it",
                remedy: "give a directory, and the Dockerfile with -f", status: .usage)
        }
        for platform in try platforms() {
            request.platform = platform
            request.caches = try await cache.imports(for: platform)
            results.append(try await Builder(request, store: store, progress: { view.take($0) }).build())
        }
        return results
    }

    /// Returns the platforms of `--platform` without duplicates; `local` is this machine's.
    func platforms() throws -> [Platform] {
        guard let platform else { return [.host] }
        var platforms: [Platform] = []
        for text in platform.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmingSpaces) {
            let platform = text == "local" ? .host : try thaw.platform(text)
            if !platforms.contains(platform) { platforms.append(platform) }
        }
        return platforms
    }

    /// Returns the values of ARG from the project's file and from `--build-arg`, which takes precedence.
    func arguments(_ project: ProjectFile) throws -> [String: String] {
        var values = project.build.args ?? [:]
        for text in buildArg {
            if let equals = text.firstIndex(of: "=") {
                values[String(text[..<equals])] = String(text[text.index(after: equals)...])
            } else {
                values[text] = Environment[text]
            }
        }
        return values
    }

    /// True for `--build-arg BUILDKIT_INLINE_CACHE=1`, the older form of `--cache-to type=inline`.
    func requestsInlineCache() throws -> Bool {
        ["1", "t", "true"].contains(try arguments(ProjectFile())["BUILDKIT_INLINE_CACHE"]?.lowercased())
    }

    private func pairs(_ texts: [String], _ option: String) throws -> [String: String] {
        var values: [String: String] = [:]
        for text in texts {
            guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
                throw Failure("\(option) '\(text)' is not NAME=VALUE", status: .usage)
            }
            values[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        return values
    }

    /// Returns the SOURCE_DATE_EPOCH of the environment, in seconds since 1970; the builder reads the build argument.
    private func epoch(_ arguments: [String: String]) throws -> Int64? {
        guard arguments["SOURCE_DATE_EPOCH"] == nil, let text = Environment["SOURCE_DATE_EPOCH"] else { return nil }
        guard let seconds = Int64(text), seconds >= 0 else {
            throw Failure("SOURCE_DATE_EPOCH '\(text)' is not a number of seconds", status: .usage)
        }
        return seconds
    }
}

extension OCI.Compression: ExpressibleByArgument {}

extension Image {
    /// Returns the instruction that made the layer at this index.
    fileprivate func step(of layer: Int) -> String {
        let steps = config.history.filter { !$0.isEmptyLayer }
        return steps.indices.contains(layer) ? steps[layer].createdBy ?? "" : ""
    }
}
