import Analysis
public import ArgumentParser
import Build
import Glibc
import Linux
public import OCI
import Project
import SystemPackage

/// `thaw build`
struct Build: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Build an image from a Dockerfile.",
        discussion: """
            Example: thaw build -t app:latest --build-arg VERSION=2 .
            Example: thaw build --memory 512m --cpus 1 --timeout 10m .
            """)

    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: BuildOptions
    @OptionGroup var limits: LimitArguments

    @Option(
        name: [.customShort("t"), .long],
        help: ArgumentHelp("A name for the result; may be repeated.", valueName: "name"))
    var tag: [String] = []

    @OptionGroup var outputs: OutputOptions

    @Option(help: ArgumentHelp("Write the configuration's digest to a file.", valueName: "file"))
    var iidfile: String?

    @Option(help: ArgumentHelp("Write digests and steps as JSON to a file.", valueName: "file"))
    var metadataFile: String?

    @OptionGroup var progress: ProgressArguments

    @OptionGroup var attestations: AttestationArguments

    @Flag(help: "Check the Dockerfile and build nothing: --call check.")
    var check = false

    @Option(
        help: ArgumentHelp("build, or only look: check, outline, targets; ,format=json for scripts.", valueName: "what")
    )
    var call = "build"

    @Flag(help: "Build twice without the cache, and fail with the first difference if the results are not the same.")
    var verify = false

    @Argument(
        help:
            "What COPY and ADD read: a directory, a git repository, the address of a tar, or - for a tar or a Dockerfile on standard input."
    )
    var context = "."

    func run() async throws {
        try attestations.expectNone()
        if check || call != "build" { return try await look() }
        let list = try outputs.list()
        let annotations = try outputs.annotations()
        let names = try tag.map(reference)
        if verify, context == "-" || options.file == "-" {
            throw Failure("--verify reads everything twice, and standard input can be read once", status: .usage)
        }
        try OutputOptions.check(list, annotations, names: names, platforms: options.platforms())
        try expectWritable(list)
        let store = try global.store()
        // What has no name yet would go with a collection that comes between the build and its naming.
        let lease = try store.lease()
        let compression = OutputOptions.compression(of: list)
        let results =
            verify
            ? [try await verified(store, compression)]
            : try await options.builds(
                context: context, in: store, progress: progress.style, compression: compression, limits: limits.apply)
        let caches = try options.cache.exports()
        for cache in caches { for result in results { try await cache.write(result, in: store) } }
        let images = try outputs.squashed(
            results.map { caches.contains(where: \.isInline) ? $0.withInlineCache() : $0 }, into: store,
            compression: options.compression ?? compression ?? .gzip)
        let sender = Outputs(
            store: store, images: images, annotations: annotations, names: names, epoch: try options.epoch())
        var set: ImageSet?
        for output in list {
            let written = try await sender.write(output)
            set = set ?? written
        }
        let told = if let set { set } else { try await sender.set(Output(.image)) }
        try lease.release()
        try tell(
            told, results, names: list.flatMap(\.names) + names, isPrinted: !list.contains { $0.destination == "-" })
    }

    /// Expects that everything can be written that will be, before minutes go into making it.
    private func expectWritable(_ outputs: [Output]) throws {
        for output in outputs { try output.expectWritable() }
        for cache in try options.cache.exports() { try cache.expectWritable() }
        for (file, option) in [(iidfile, "--iidfile"), (metadataFile, "--metadata-file")] {
            if let file { try Writable.expectFile(file == "-" ? "./-" : file, for: option) }
        }
    }

    private func tell(_ set: ImageSet, _ results: [BuildResult], names: [Reference], isPrinted: Bool) throws {
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
        isPrinted ? Terminal.print("\(digest)") : Terminal.tell("\(digest)")
    }

    private func look() async throws {
        let parts = call.split(separator: ",").map(String.init)
        let isJSON = parts.contains("format=json")
        let path = try ContextArguments(context, file: options.file).path()
        let view = DockerfileView(path, arguments: try options.arguments(Project()), global)
        switch check ? "check" : parts.first ?? "" {
        case "check":
            let findings = try await view.findings()
            isJSON ? Terminal.print(json: view.json(findings)) : Terminal.print(view.text(findings))
            if !findings.isEmpty, !parts.contains("ignorestatus=true") { throw ExitCode(Status.failed.rawValue) }
        case "outline":
            isJSON
                ? Terminal.print(try view.outline(options.target).json)
                : Terminal.print(try view.outline(options.target).text)
        case "targets": isJSON ? Terminal.print(try view.targets()) : Terminal.print(try view.targetsText())
        default: throw Failure("--call '\(call)' is not build, check, outline or targets", status: .usage)
        }
    }

    /// Builds twice, with another number of stages at once the second time: what depends on their order shows too.
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
        let difference = try await Difference(between: first.image, and: second.image)
        Terminal.tell(difference.text(limit: 20))
        let layer = difference.firstLayer.map { $0 < second.image.layers.count ? second.image.step(of: $0) : "" } ?? ""
        throw Failure(
            "two builds gave different images; the first layer that differs is that of: \(layer)",
            remedy: "what the command writes depends on time, chance or order", status: .gateBroken)
    }
}

/// What builds take, whichever command they are part of.
struct BuildOptions: ParsableArguments {
    @Option(
        name: [.customShort("f"), .long],
        help: ArgumentHelp(
            "The Dockerfile: a file, an address, or - for standard input; within CONTEXT where that is no directory. (default: CONTEXT/Dockerfile)",
            valueName: "path"))
    var file: String?

    @Option(
        help: ArgumentHelp(
            "Another context, for FROM and --from: a directory, docker-image://REF, oci-layout://DIR[:TAG], target:STAGE, a repository or an address. May be repeated.",
            valueName: "name=value"))
    var buildContext: [String] = []

    @Option(help: ArgumentHelp("The stage to build. (default: the last)", valueName: "stage"))
    var target: String?

    @Option(
        help: ArgumentHelp("A value for ARG; without =, the environment's. May be repeated.", valueName: "name=value"))
    var buildArg: [String] = []

    @Option(help: ArgumentHelp("A label for the image; may be repeated.", valueName: "name=value"))
    var label: [String] = []

    @Flag(help: "Run every step again.")
    var noCache = false

    @Option(
        help: ArgumentHelp("A stage whose steps are all run again; commas and repeats for more.", valueName: "stage"))
    var noCacheFilter: [String] = []

    @Flag(help: "Say for every step why it was taken from the cache or not: each input that changed.")
    var why = false

    @Flag(help: "Fail at the first step that has no earlier result, and say why.")
    var expectCached = false

    @OptionGroup var run: RunArguments
    @OptionGroup var cache: CacheArguments

    @Option(help: ArgumentHelp("What the image is for; several with commas.", valueName: "os/arch"))
    var platform: String?

    @Option(help: "How layers are stored: gzip, zstd, uncompressed.")
    var compression: OCI.Compression?

    @Option(help: "How many stages are built at once.")
    var jobs = 2

    /// Builds `context` for one platform.
    func build(
        context: String, in store: Store, progress: ProgressStyle, project: Project = Project(),
        limits: (inout BuildRequest) throws -> Void = { _ in }
    ) async throws -> BuildResult {
        let results = try await builds(
            context: context, in: store, progress: progress, project: project, limits: limits)
        guard results.count == 1 else { throw Failure("this command builds for one platform", status: .usage) }
        return results[0]
    }

    /// Builds `context` for each platform; what the project's file says counts where no option says otherwise.
    /// `compression` is how layers are stored where no option says that; `limits` puts a command's own limits of RUN
    /// into the request.
    func builds(
        context: String, in store: Store, progress: ProgressStyle, project: Project = Project(),
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
        let view = BuildProgress(progress, tellsWhy: why)
        if progress != .quiet, let loneliness = Failure.loneliness { Terminal.note("\(loneliness)") }
        var results: [BuildResult] = []
        _ = try cache.exports()
        if try platforms().count > 1, context == "-" || file == "-" {
            throw Failure(
                "standard input can be read once, and each platform reads it",
                remedy: "give a directory, and the Dockerfile by -f", status: .usage)
        }
        for platform in try platforms() {
            request.platform = platform
            request.caches = try await cache.imports(for: platform)
            results.append(try await Builder(request, store: store, progress: { view.take($0) }).build())
        }
        return results
    }

    /// What `--platform` lists, each once; `local` is this machine's.
    func platforms() throws -> [Platform] {
        guard let platform else { return [.host] }
        var platforms: [Platform] = []
        for text in platform.split(separator: ",", omittingEmptySubsequences: false).map(\.trimmingSpaces) {
            let platform = text == "local" ? .host : try thaw.platform(text)
            if !platforms.contains(platform) { platforms.append(platform) }
        }
        return platforms
    }

    /// Seconds that no time in the result exceeds, where that was said.
    func epoch() throws -> Int64? { try epoch(arguments(Project())) }

    /// The values for ARG, of the project's file and of the options.
    func arguments(_ project: Project) throws -> [String: String] {
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

    private func epoch(_ arguments: [String: String]) throws -> Int64? {
        guard let text = arguments["SOURCE_DATE_EPOCH"] ?? Environment["SOURCE_DATE_EPOCH"] else { return nil }
        guard let seconds = Int64(text), seconds >= 0 else {
            throw Failure("SOURCE_DATE_EPOCH '\(text)' is not a number of seconds", status: .usage)
        }
        return seconds
    }
}

extension OCI.Compression: ExpressibleByArgument {}

extension Image {
    /// The instruction that made a layer.
    fileprivate func step(of layer: Int) -> String {
        let steps = config.history.filter { !$0.isEmptyLayer }
        return steps.indices.contains(layer) ? steps[layer].createdBy ?? "" : ""
    }
}
