import ArgumentParser
import Jobs

/// `--provenance` and `--sbom`, which scripts for buildx set to false.
struct AttestationArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Only false: thaw makes no attestations.", valueName: "false")) var provenance: String?
    @Option(help: ArgumentHelp("Only false: thaw makes no attestations.", valueName: "false")) var sbom: String?

    /// Expects that no attestation is requested, since a missing one must not go unnoticed.
    func expectNone() throws {
        for (name, value) in [("provenance", provenance), ("sbom", sbom)] {
            guard let value, value != "false", value != "0" else { continue }
            throw Failure(
                "--\(name) requests an attestation, which thaw cannot make", remedy: "use --\(name)=false",
                status: .usage)
        }
    }
}
