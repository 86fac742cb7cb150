import Jobs
import Linux
import Registry

/// The terminal as the host of jobs: notes go to stderr, and signals cancel.
struct TerminalHost: JobHost {
    /// True to omit the parts of a job; notes are still printed.
    var isQuiet = false
    /// The type of progress output, for commands that have the option.
    var style: ProgressStyle?

    func report(_ text: String) { if !isQuiet { Terminal.report(text) } }

    func note(_ text: String) { Terminal.note(text) }

    func report(event: JSON) { Terminal.report(event) }

    var hasTerminal: Bool { Terminal.isStderrTerminal }

    func begin(_ phase: String) {
        if isQuiet { return }
        if let style, style == .json { return report(event: ["event": "phase", "name": .string(phase)]) }
        hasTerminal && style != .plain ? Terminal.begin(phase) : Terminal.report(phase)
    }

    func show(_ region: LiveRegion, _ lines: (@Sendable () -> [String])?) {
        if hasTerminal, !isQuiet { Terminal.show(region, lines) }
    }

    func report(lines: String) { Terminal.report(lines: lines) }

    func expectArchiveOutput() throws {
        guard Terminal.isStdoutTerminal else { return }
        throw Failure(
            "cannot write an archive to a terminal", remedy: "redirect stdout, or name a file", status: .usage)
    }

    func openStandardOutput() throws -> OwnedDescriptor { try Terminal.descriptorForArchives() }

    func registryClient(
        isQuiet: Bool, _ edit: (inout RegistryConfiguration) throws -> Void
    ) throws -> RegistryClient {
        try Registries.client(isQuiet ? .quiet : .auto, edit)
    }

    func cancelling<Result: Sendable>(
        abandon: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await Interruption.ending(abandon: abandon, work)
    }
}
