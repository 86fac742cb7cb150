import Jobs
import Linux

/// The terminal as the host of jobs: notes go to stderr, and signals cancel.
struct TerminalHost: JobHost {
    /// True to omit the parts of a job; notes are still printed.
    var isQuiet = false

    func report(_ text: String) { if !isQuiet { Terminal.report(text) } }

    func note(_ text: String) { Terminal.note(text) }

    func report(lines: String) { Terminal.report(lines: lines) }

    func openStandardOutput() throws -> OwnedDescriptor { try OutputDestination.openStandardOutput() }

    func cancelling<Result: Sendable>(
        abandon: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await Interruption.ending(abandon: abandon, work)
    }
}
