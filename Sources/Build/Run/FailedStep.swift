internal import Frontend
public import Linux
public import OCI
public import Sandbox
internal import SystemPackage

/// The step that made the last build fail: its files after the command, and its whole environment.
///
/// ```
/// thaw/failed/step      this value
/// thaw/failed/upper     the files written by the command
/// ```
/// Kept until the next build starts. Secrets are not stored in it, only their sources.
public struct FailedStep: Sendable {
    /// The position of the step in the Dockerfile.
    public let place: String
    /// The command, in one line.
    public let command: String
    /// The words before a shell-form command.
    public let shell: [String]
    private let record: Record
    private let store: Store

    struct Record: Codable {
        let place: String
        let words: [String]
        let shell: [String]
        let environment: [String]
        let workingDirectory: String
        let user: String
        let network: String
        let isPrivileged: Bool
        let users: Users
        let layers: [StoredLayer]
        let mounts: [PreparedMount]
        /// Nil means an overlay.
        let isolation: Isolation?
        /// Nil in a record of an older version.
        var hostname: String?
        /// True if the files have shifted owners; nil in a record of an older version.
        var isShifted: Bool?
        /// Nil in a record of an older version.
        var limits: Limits?
    }

    private static let directory: FilePath = "thaw/failed"

    /// Reads the store's failed step; nil if the last build succeeded, or failed outside of a command.
    public init?(in store: Store) throws {
        let path = Self.directory.appending("step")
        guard try store.root.exists(path) else { return nil }
        record = try JSON.decode(Record.self, store.root.contents(of: path, limit: 64 << 20), what: "\(path)")
        (place, command, shell) = (record.place, record.words.joined(separator: " "), record.shell)
        self.store = store
    }

    /// Removes the failed step of an earlier build.
    ///
    /// A step that is being debugged right now stays.
    static func forget(in store: Store) throws {
        let inUse = directory.appending("work").appending("lock")
        if try store.root.exists(inUse) {
            guard let lock = try Lock.attempt(store.path.appending(inUse.components), .exclusive) else { return }
            try lock.release()
        }
        try store.root.removeTree(directory)
    }

    /// Keeps the work area of a step that failed.
    static func keep(_ area: FilePath, _ record: Record, in store: Store) throws {
        guard let name = area.lastComponent else { return }
        let area = try Directory(area)
        try area.replace("step", with: JSON.encode(record), mode: 0o600, isSynced: false)
        try forget(in: store)
        try store.root.rename(FilePath("thaw/layers").appending(name), to: directory)
    }

    /// The limits of the step.
    ///
    /// Without its time limit: a shell waits for a person.
    public var options: BuildRequest.RunOptions {
        var options = BuildRequest.RunOptions()
        record.limits?.apply(to: &options)
        return options
    }

    /// Runs `words`, or the stage's shell without any, in the failed step's state, on this process's terminal.
    ///
    /// Its changes stay for the next call.
    ///
    /// - Parameters:
    ///   - options: The limits.
    ///   - note: Receives a message about a network or limits that this machine lacks.
    public func run(
        _ words: [String], environment: [String] = [], options: BuildRequest.RunOptions,
        note: @Sendable @escaping (String) -> Void
    ) async throws -> ExitStatus {
        let run = { @Sendable () async throws -> ExitStatus in
            let command = try command(words, environment: environment, options: options)
            if record.isolation == .chroot { return try await runInRoot(command, options: options, note: note) }
            return try await runInContainer(command, options: options, note: note)
        }
        guard let limit = options.timeout else { return try await run() }
        return try await within(limit, orThrow: { DebugError.timedOut(limit) }, run)
    }

    private var area: FilePath { store.path.appending(Self.directory.components) }

    private func runInContainer(
        _ command: Command, options: BuildRequest.RunOptions, note: @Sendable (String) -> Void
    ) async throws -> ExitStatus {
        let image = Image(of: try record.layers.map { try $0.layer() }, in: store)
        let isShifted = record.isShifted ?? false
        let ids = isShifted ? Users.shiftedIDs : try IDMap.current()
        let overlay = Overlay(
            lowers: try await Snapshots(store).stored(with: ids).directories(of: image),
            upper: area.appending("upper"), work: area.appending("work"), isShifted: isShifted)
        var command = command
        command.account = try overlay.account(record.user)
        command.isPrivileged = record.isPrivileged
        command.users = record.users
        command.hideOtherCPUs()
        for text in try options.notes(on: Container(overlay).missingIsolation(of: command)) { note(text) }
        let attached = try await AttachedMounts.attach(record.mounts, to: &command, in: area, store, ids: ids)
        defer { withExtendedLifetime(attached) {} }
        var network = RunNetwork(BuildRequest.RunNetwork(rawValue: record.network) ?? .none)
        return try await network.start(command, note: note) { try await Container(overlay).runInteractively($0) }
    }

    private func command(
        _ words: [String], environment: [String], options: BuildRequest.RunOptions
    ) throws -> Command {
        var command = Command(
            words.isEmpty ? Array(shell.prefix(1)) : words, environment: record.environment + environment)
        command.workingDirectory = FilePath(record.workingDirectory)
        command.hostname = record.hostname ?? RunJob.usualHostname
        try options.limit(&command)
        return command
    }

    private func runInRoot(
        _ command: Command, options: BuildRequest.RunOptions, note: @Sendable (String) -> Void
    ) async throws -> ExitStatus {
        _ = try Directory.make(area.appending("work"))
        guard let lock = try Lock.attempt(area.appending("work").appending("lock"), .exclusive) else {
            throw SandboxError.overlayInUse(area)
        }
        let root = area.appending("root")
        var command = command
        command.account = try Account(record.user, in: Directory(root))
        for text in try options.notes(on: ChrootContainer.missingIsolation(of: command)) { note(text) }
        let mounts = try await RootMounts.make(record.mounts, in: area, store: store, trees: TreeCache(store))
        command.environment += mounts.environment
        let status = try await ChrootContainer(root, area: area).runInteractively(command, placing: mounts.placements)
        try mounts.release()
        try lock.release()
        return status
    }
}
