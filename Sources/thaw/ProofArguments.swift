import ArgumentParser
import Probe

/// The options for proving that a slim image works, shared by several commands.
struct ProofArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Run a command in both images (no shell); its exit status and output must be the same. Can be repeated.",
            valueName: "command"))
    var exec: [String] = []
    @Flag(
        inversion: .prefixedNo,
        help: "Keep the files that the original opens while it is probed.")
    var observe = true

    /// Returns the commands.
    func commands() throws -> [ProbeAction] { try exec.map { try ProbeAction(parsing: "exec:\($0)") } }
}
