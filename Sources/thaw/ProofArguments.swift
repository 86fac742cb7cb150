import ArgumentParser
import Jobs

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
    @Option(
        help: ArgumentHelp(
            """
            Let the program run on after the probes until it opened no new file for this time; its output and its \
            living processes are compared then. 0s stops at once.
            """, valueName: "time"))
    var settle = "5s"
    @Option(
        help: ArgumentHelp("Let the program run on after the probes for at least this time.", valueName: "time"))
    var continueAfter: String?

    /// Returns the settings of all starts.
    func settings() throws -> ProofSettings {
        try ProofSettings(commands: exec, observes: observe, settle: settle, least: continueAfter)
    }
}
