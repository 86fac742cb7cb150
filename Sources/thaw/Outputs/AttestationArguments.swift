import ArgumentParser
import Jobs

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
