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
        try Output.all(output, load: load, push: push)
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
}
