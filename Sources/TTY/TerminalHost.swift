public import Jobs
public import Linux
public import Registry

/// The terminal as the host of jobs: notes go to stderr, and signals cancel.
public struct TerminalHost: JobHost {
    /// True to omit the parts of a job; notes are still printed.
    private let isQuiet: Bool
    /// The type of progress output, for commands that have the option.
    private let style: ProgressStyle?

    /// Makes a host.
    public init(isQuiet: Bool = false, style: ProgressStyle? = nil) {
        (self.isQuiet, self.style) = (isQuiet, style)
    }

    public func report(_ text: String) { if !isQuiet { Terminal.report(text) } }

    public func note(_ text: String) { Terminal.note(text) }

    public func report(event: JSON) { Terminal.report(event) }

    public var hasTerminal: Bool { Terminal.isStderrTerminal }

    public func begin(_ phase: String) {
        if isQuiet { return }
        if let style, style == .json { return report(event: ["event": "phase", "name": .string(phase)]) }
        hasTerminal && style != .plain ? Terminal.begin(phase) : Terminal.report(phase)
    }

    public func show(_ region: LiveRegion, _ lines: (@Sendable () -> [String])?) {
        if hasTerminal, !isQuiet { Terminal.show(region, lines) }
    }

    public func report(lines: String) { Terminal.report(lines: lines) }

    public func expectArchiveOutput() throws {
        guard Terminal.isStdoutTerminal else { return }
        throw Failure(
            "cannot write an archive to a terminal", remedy: "redirect stdout, or name a file", status: .usage)
    }

    public func openStandardOutput() throws -> OwnedDescriptor { try Terminal.descriptorForArchives() }

    public var version: String { Version.text }

    public func registryClient(
        _ progress: ProgressStyle, _ edit: (inout RegistryConfiguration) throws -> Void
    ) throws -> RegistryClient {
        let view = TransferProgress(progress, host: self)
        return try RegistryClient(Registries.configuration(version: version, edit)) { view.take($0) }
    }

    public func cancelling<Result: Sendable>(
        abandon: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await Interruption.ending(abandon: abandon, work)
    }
}
