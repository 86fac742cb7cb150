import ArgumentParser
import Build
import Jobs
import OCI

/// The options for the outputs of a build.
struct OutputOptions: ParsableArguments {
    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp(
            """
            Output destination: type=oci|docker|image|registry|local|tar|cacheonly,KEY=VALUE,... or a directory, or - \
            for a tar on stdout. Can be repeated. (default: type=image)
            """, valueName: "output"))
    var output: [String] = []

    @Flag(help: "Shorthand for --output type=registry.")
    var push = false

    @Flag(help: "Shorthand for --output type=image: store the image.")
    var load = false

    @Option(
        help: ArgumentHelp(
            """
            Add an annotation to the image. The place is manifest, index, manifest-descriptor or index-descriptor, \
            optionally with [PLATFORM]. Can be repeated.
            """, valueName: "[place:]key=value"))
    var annotation: [String] = []

    @Option(
        help: ArgumentHelp("Squash layers into one: own (those above the base image) or all.", valueName: "which"))
    var squash: Squash?

    /// The layers that are merged.
    enum Squash: String, ExpressibleByArgument, CaseIterable {
        case own, all
    }

    /// Returns all outputs, in order.
    func list() throws -> [Output] {
        var list = try output.map { try Output(parsing: $0) }
        if load, !list.contains(where: { $0.kind == .image }) { list.append(Output(.image)) }
        if push {
            let images = list.indices.filter { list[$0].kind == .image }
            for index in images { list[index].isPushed = true }
            if images.isEmpty, !list.contains(where: { $0.kind == .registry }) { list.append(Output(.registry)) }
        }
        let places = list.compactMap(\.destination)
        if let twice = places.first(where: { place in places.count { $0 == place } > 1 }) {
            let name = twice == "-" ? "stdout" : "'\(twice)'"
            throw Failure("two outputs cannot both go to \(name)", status: .usage)
        }
        return list.isEmpty ? [Output(.image)] : list
    }

    /// Parses the values of `--annotation`.
    func annotations() throws -> Annotations {
        var annotations = Annotations()
        for text in annotation {
            do {
                try annotations.add(parsing: text)
            } catch {
                throw Failure("--annotation: \(error)", status: .usage)
            }
        }
        return annotations
    }

    /// Returns the compression that all outputs have in common, so that layers are not compressed twice; else nil.
    static func compression(of outputs: [Output]) -> OCI.Compression? {
        let wanted = outputs.filter(\.kind.isImage).map(\.form.compression)
        guard let first = wanted.first, wanted.allSatisfy({ $0 == first }) else { return nil }
        return first
    }

    /// Returns the images with their layers merged as `--squash` requests.
    func squashed(
        _ results: [BuildResult], into store: Store, compression: OCI.Compression
    ) throws -> [Outputs.BuiltImage] {
        try results.map { result in
            let count = squash == .all ? 0 : result.baseLayerCount
            let image =
                squash == nil
                ? result.image : try result.image.squashed(above: count, into: store, compression: compression)
            return Outputs.BuiltImage(image: image, baseLayerCount: count)
        }
    }

    /// Checks the outputs before anything is built.
    static func check(_ outputs: [Output], _ common: Annotations, names: [Reference], platforms: [Platform]) throws {
        for output in outputs {
            if output.hasStream, let path = output.destination { _ = try OutputDestination(path, TerminalHost()) }
            if output.isPushed, output.names.isEmpty, names.isEmpty {
                throw Failure(
                    "a push needs a name", remedy: "add -t NAME or name=NAME", status: .usage)
            }
            guard output.kind.isImage else { continue }
            var annotations = common
            annotations.add(output.annotations)
            try check(annotations, output, platforms)
        }
    }

    private static func check(_ annotations: Annotations, _ output: Output, _ platforms: [Platform]) throws {
        if platforms.count == 1, annotations.has(.index) || annotations.has(.indexDescriptor) {
            throw Failure(
                "an annotation is for the index, but an image of one platform has none",
                remedy: "build for several platforms with --platform, or annotate the manifest", status: .usage)
        }
        if output.form.types == .docker, !annotations.isEmpty {
            throw Failure("Docker's manifests have no annotations", remedy: "leave oci-mediatypes=true", status: .usage)
        }
        for platform in annotations.platforms where !platforms.contains(where: platform.accepts) {
            throw Failure("an annotation is for \(platform), which is not built", status: .usage)
        }
    }
}
