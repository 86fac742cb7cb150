import ArgumentParser

/// `--provenance` and `--sbom`, which scripts for buildx say false to.
struct AttestationArguments: ParsableArguments {
    @Option(help: ArgumentHelp("false; thaw makes no attestations.", valueName: "false")) var provenance: String?
    @Option(help: ArgumentHelp("false; thaw makes no attestations.", valueName: "false")) var sbom: String?

    /// What would have to be made is refused, not left out.
    func expectNone() throws {
        for (name, value) in [("provenance", provenance), ("sbom", sbom)] {
            guard let value, value != "false", value != "0" else { continue }
            throw Failure("thaw makes no attestations, and --\(name) asks for one", remedy: "say false", status: .usage)
        }
    }
}
