public import Linux
public import Registry

/// The caller of jobs: the receiver of their notes, and the protection of work that must clean up.
///
/// Jobs print nothing and handle no signals.
public protocol JobHost: Sendable {
    /// Receives the start of a part of a job, such as `probing the original`.
    func report(_ text: String)

    /// Receives a note about a job, such as a limit that is enforced by weaker means.
    func note(_ text: String)

    /// Receives the messages of a program that a job started, each line with its newline.
    func report(lines: String)

    /// Receives an event for programs, which is one line of JSON.
    func report(event: JSON)

    /// Receives the start of a phase, such as `probing the original`, which lasts until the next one or the result.
    func begin(_ phase: String)

    /// True if progress is shown on a terminal, where ``show(_:_:)`` shows live lines.
    var hasTerminal: Bool { get }

    /// Shows lines below all others, and asks for them again several times a second.
    ///
    /// Without a terminal it does nothing.
    ///
    /// - Parameter lines: The lines; nil to end the region.
    func show(_ region: LiveRegion, _ lines: (@Sendable () -> [String])?)

    /// Throws a usage failure if stdout is a terminal, which gets no archive.
    func expectArchiveOutput() throws

    /// Opens stdout for an archive.
    func openStandardOutput() throws -> OwnedDescriptor

    /// Makes a client of registries with the settings of this process, changed by `edit`.
    ///
    /// - Parameter progress: The type of its progress output.
    func registryClient(
        _ progress: ProgressStyle, _ edit: (inout RegistryConfiguration) throws -> Void
    ) throws -> RegistryClient

    /// The version of the program, which documents and servers receive.
    var version: String { get }

    /// Runs the work in a task that an interruption cancels, so that the work can clean up.
    ///
    /// - Parameter abandon: Cleans up what it can if the cancelled work does not end.
    func cancelling<Result: Sendable>(
        abandon: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result
}

extension JobHost {
    public func begin(_ phase: String) { report(phase) }
}

/// A part of the live lines; the order is that on the screen.
public enum LiveRegion: Int, Sendable, Comparable {
    /// The part of the job that runs.
    case phase
    /// The steps of a build.
    case build
    /// The blobs that move.
    case transfer

    public static func < (first: LiveRegion, second: LiveRegion) -> Bool { first.rawValue < second.rawValue }
}
