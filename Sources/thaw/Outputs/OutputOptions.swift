import ArgumentParser
import Build
import OCI

/// What becomes of a build's result.
struct OutputOptions: ParsableArguments {
    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp(
            """
            Where the result goes: type=oci|docker|image|registry|local|tar|cacheonly,KEY=VALUE,... or a directory, or - \
            for a tar on stdout; may be repeated. (default: type=image)
            """, valueName: "output"))
    var output: [String] = []

    @Flag(help: "Push the image: as -o type=registry.")
    var push = false

    @Flag(help: "Keep the image in the store: as -o type=image.")
    var load = false

    @Option(
        help: ArgumentHelp(
            """
            An annotation, after manifest:, index:, manifest-descriptor: or index-descriptor: with [PLATFORM]; may be \
            repeated.
            """, valueName: "[place:]key=value"))
    var annotation: [String] = []

    @Option(help: ArgumentHelp("Merge layers: own keeps the base image's, all merges everything.", valueName: "which"))
    var squash: Squash?

    /// Which layers are merged.
    enum Squash: String, ExpressibleByArgument, CaseIterable {
        case own, all
    }

    /// All outputs, in order.
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

    /// What `--annotation` says.
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

    /// The compression that all outputs ask for, where they agree: layers are then made so at once.
    static func compression(of outputs: [Output]) -> OCI.Compression? {
        let wanted = outputs.filter(\.kind.isImage).map(\.form.compression)
        guard let first = wanted.first, wanted.allSatisfy({ $0 == first }) else { return nil }
        return first
    }

    /// The images with their layers merged as was asked.
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

    /// Refuses what cannot be done, before anything is built.
    static func check(_ outputs: [Output], _ common: Annotations, names: [Reference], platforms: [Platform]) throws {
        for output in outputs {
            if output.hasStream, let path = output.destination { _ = try Destination(path) }
            if output.isPushed, output.names.isEmpty, names.isEmpty {
                throw Failure(
                    "what is pushed needs a name", remedy: "name it with -t NAME or name=NAME", status: .usage)
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
                remedy: "build for several with --platform, or annotate the manifest", status: .usage)
        }
        if output.form.types == .docker, !annotations.isEmpty {
            throw Failure("Docker's manifests have no annotations", remedy: "leave oci-mediatypes=true", status: .usage)
        }
        for platform in annotations.platforms where !platforms.contains(where: platform.accepts) {
            throw Failure("an annotation is for \(platform), which is not built", status: .usage)
        }
    }
}
