public import ArgumentParser
public import Jobs

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
    var squash: OutputSettings.Squash?

    /// Returns the values of the options.
    var settings: OutputSettings {
        var all = OutputSettings()
        (all.outputs, all.loads, all.pushes, all.annotations, all.squash) = (output, load, push, annotation, squash)
        return all
    }
}

extension OutputSettings.Squash: ExpressibleByArgument {}

/// The options for the attestations of a build's images.
struct AttestationArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Attach an attestation: type=provenance[,mode=min|max][,version=v1|v0.2] or type=sbom; with disabled=true \
            none of the type. Can be repeated. (default: none)
            """, valueName: "type=TYPE"))
    var attest: [String] = []

    @Option(
        help: ArgumentHelp("Shorthand for --attest type=provenance: true, false or mode=max.", valueName: "value"))
    var provenance: String?

    @Option(help: ArgumentHelp("Shorthand for --attest type=sbom: true or false.", valueName: "value"))
    var sbom: String?

    /// Parses the options.
    func request() throws -> AttestationRequest {
        try AttestationRequest(attest, provenance: provenance, sbom: sbom)
    }
}
