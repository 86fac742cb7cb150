// A command in chroot(2), for machines where the kernel denies namespaces: a container with Docker's defaults.
//
//     this process                      supervisor                the command
//     ────────────                      ──────────                ───────────
//     put /dev, /etc/hosts … in place
//     fork ───────────────────────────► clone ──────────────────► chroot, limits, identity, exec
//     status pipe: end of file ◄─────────────────────────────────
//     stdout, stderr ◄───────────────────────────────────────────
//                                       end all descendants ◄──── exit
//     pidfd: readable ◄──────────────── exit
//     put everything back
//
// Nothing is mounted and nothing is hidden. Network, processes, host name and kernel settings are those of the
// container around this process, and root in the chroot can leave it. The container around is the boundary.

public import Linux
public import SystemPackage

/// Runs commands in a directory that holds a whole root file system.
public struct ChrootContainer: Sendable {
    /// The root file system.
    public let root: FilePath
    /// A directory on the same file system for the files that are moved aside while a command runs.
    public let area: FilePath

    /// A container in the directory `root`.
    public init(_ root: FilePath, area: FilePath) {
        self.root = root
        self.area = area
    }

    /// The result of a command and the paths that it could not change.
    public struct CommandResult: Sendable {
        /// The exit status of the command.
        public let status: ExitStatus
        /// The paths that a placement covered while it ran, relative to the root.
        public let withheld: [FilePath]
        /// True if the kernel killed a process of it because memory ran out.
        ///
        /// Only a control group with a memory limit reports this.
        public let ranOutOfMemory: Bool
    }

    /// Runs a command until it exits.
    ///
    /// When this returns, every process of the command has ended and all of its output was passed to `output`. Every file
    /// that was moved aside is back. Cancelling the task ends the command.
    ///
    /// - Parameter placements: Files for the command besides /dev, /etc/hosts and /etc/resolv.conf.
    /// - Throws: ``SandboxError`` if the command didn't start.
    public func run(
        _ command: Command, placing placements: [InjectedFile] = [],
        output: @escaping Container.OutputHandler = { _, _ in }
    ) async throws -> CommandResult {
        try await run(command, placements: placements) { try NamedStreams(output, in: $0) }
    }

    /// Runs a command with this process's own streams, until it exits.
    public func runInteractively(_ command: Command, placing placements: [InjectedFile] = []) async throws -> ExitStatus
    {
        try await run(command, placements: placements) { _ in InheritedStreams((0, 1, 2)) }.status
    }

    private func run(
        _ command: Command, placements: [InjectedFile],
        makeStreams: @Sendable @escaping (_ devices: Directory) throws -> any Streams
    ) async throws -> CommandResult {
        try Container.check(command)
        let handle = SupervisorHandle()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // The supervisor ends the command when the thread that made it ends.
                WorkerThread.start {
                    continuation.resume(
                        with: Result {
                            try attempt(command, placements: placements, handle: handle, makeStreams: makeStreams)
                        })
                }
            }
        } onCancel: {
            handle.end()
        }
    }

    private func attempt(
        _ command: Command, placements: [InjectedFile], handle: SupervisorHandle,
        makeStreams: (Directory) throws -> any Streams
    ) throws -> CommandResult {
        let open = try Directory(root)
        let devices = try ChrootDevices(in: area)
        let streams = try makeStreams(devices.directory)
        let places = try InjectedFiles(in: open, area: Directory(area))
        let status = Result { () throws -> (ExitStatus, Bool) in
            try places.place(try standard(devices, for: command) + placements)
            let child = try SupervisedChild(command, in: open, streams)
            handle.set(child.supervisor)
            return (try child.follow(streams), child.ranOutOfMemory)
        }
        let withheld = Result { try places.restore() }
        let (end, ranOutOfMemory) = try status.get()
        return CommandResult(status: end, withheld: try withheld.get(), ranOutOfMemory: ranOutOfMemory)
    }

    /// Returns the placements of every command, which no layer may contain.
    private func standard(_ devices: ChrootDevices, for command: Command) throws -> [InjectedFile] {
        var command = command
        command.hostname = HostName.current
        let names = try NameFiles(for: command)
        let kernel = try ["proc", "sys"].map { name in
            let path = area.appending(name)
            _ = try Directory.make(path)
            return InjectedFile(.moved(path, isKept: false), at: FilePath("/\(name)"))
        }
        return [InjectedFile(.moved(devices.directory.path, isKept: false), at: "/dev")] + kernel + [
            InjectedFile(.file(names.hosts, mode: 0o644, uid: 0, gid: 0), at: "/etc/hosts"),
            InjectedFile(.file(names.resolver, mode: 0o644, uid: 0, gid: 0), at: "/etc/resolv.conf"),
        ]
    }
}
