// One start of a command: a script's steps, then the launcher, then the command.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// The arguments of execve, and the process's streams, namespaces and group.
struct Launch {
    var arguments: [String]
    var environment: [String] = []
    /// The PATH in which the first argument is looked up.
    var search = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    /// CLONE_NEW*.
    var namespaces: UInt64
    var streams: (input: Int32, output: Int32, error: Int32)
    /// A group of cgroup v2 to start in, or -1.
    var group: Int32 = -1
    /// True if a supervisor process between this one and the command ends everything that the command started.
    var isSupervised = false
}

extension Launch {
    /// A launch with the environment and PATH of the command and its account.
    init(_ command: Command, streams: (input: Int32, output: Int32, error: Int32), namespaces: UInt64) {
        self.init(
            arguments: command.arguments, environment: command.environment, namespaces: namespaces, streams: streams)
        if !command.environment.contains(where: { $0.hasPrefix("HOME=") }) {
            environment.append(command.account.homeVariable)
        }
        if let path = command.environment.last(where: { $0.hasPrefix("PATH=") }) { search = String(path.dropFirst(5)) }
    }
}

/// The result of a launch.
struct Launched: ~Copyable {
    let process: Int32
    let pidfd: OwnedDescriptor
    /// CLOCK_MONOTONIC in nanoseconds before the first clone.
    let clonedAt: Int64
    /// CLOCK_MONOTONIC in nanoseconds just after the command was executed.
    let executedAt: Int64
    let stubs: [Stub]
}

/// The reason for which a command didn't start.
struct LaunchFailure: Error {
    /// True if every step succeeded and only the command itself could not be executed.
    let isCommand: Bool
    let error: SystemError
    /// The mount points that were made before the failure.
    let stubs: [Stub]
}

extension SetupScript {
    /// Starts a command and returns when it is being executed.
    ///
    /// The command is killed when the calling thread ends.
    mutating func launch(_ launch: Launch) throws -> Launched {
        let status = try Pipe()
        let report = OwnedDescriptor(owning: try system("make report file") { unsafe clinux_memory_file("report") })
        let launcher = try Launcher.descriptor()
        let streams = launch.streams
        keep([
            streams.input, streams.output, streams.error, status.start.rawValue, report.rawValue, launcher,
            launch.group,
        ])
        var child = unsafe clinux_child()
        unsafe child.namespaces = launch.namespaces
        unsafe child.arguments = vector([launch.search] + launch.arguments)
        unsafe child.environment = vector(launch.environment)
        unsafe child.streams = (streams.input, streams.output, streams.error)
        unsafe child.group = launch.group
        unsafe child.launcher = launcher
        unsafe child.status = status.start.rawValue
        unsafe child.report = report.rawValue
        unsafe child.anchor = -1
        if launch.namespaces & UInt64(clinux_new_pid) != 0 {
            unsafe child.anchor = try Anchor.namespace()
        }
        var clonedAt: Int64 = 0
        try unsafe begin(&child, clonedAt: &clonedAt, isSupervised: launch.isSupervised)
        let launcherError = try Self.error(from: status.readingEnd())
        let executedAt = Self.now()
        let records = ChildReport(try report.read(Int(report.status().size), at: 0))
        let pidfd = unsafe child.pidfd
        if let failure = failure(launch, records: records, launcherError: launcherError) {
            if pidfd >= 0 { Self.reap(OwnedDescriptor(owning: pidfd)) }
            throw failure
        }
        let owned = OwnedDescriptor(owning: pidfd)
        return Launched(
            process: try Self.number(of: owned), pidfd: owned, clonedAt: clonedAt, executedAt: executedAt,
            stubs: records.stubs)
    }

    private static func reap(_ pidfd: borrowing OwnedDescriptor) {
        var ignored: Int32 = 0
        _ = unsafe clinux_wait(pidfd.rawValue, &ignored)
    }

    /// Returns the PID in this process's namespace: the field Pid of the pidfd's fdinfo, see proc(5).
    private static func number(of pidfd: borrowing OwnedDescriptor) throws(SystemError) -> Int32 {
        let path = FilePath("/proc/self/fdinfo/\(pidfd.rawValue)")
        let text = String(decoding: try OwnedDescriptor(path).readAll(limit: 4096), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("Pid:") }
        guard let number = line.flatMap({ Int32($0.dropFirst(5)) }) else {
            throw SystemError("read number of process", path, .noSuchProcess)
        }
        return number
    }

    private func failure(_ launch: Launch, records: ChildReport, launcherError: Int32?) -> LaunchFailure? {
        if let (step, errno) = records.failure {
            return LaunchFailure(isCommand: false, error: failure(of: step, errno), stubs: records.stubs)
        }
        guard let launcherError else { return nil }
        let error = SystemError("execute", FilePath(launch.arguments[0]), Errno(rawValue: launcherError))
        return LaunchFailure(isCommand: true, error: error, stubs: records.stubs)
    }

    /// Reads the launcher's errno; nil at the end of the pipe, which the exec of the command closes.
    private static func error(from end: consuming OwnedDescriptor) throws(SystemError) -> Int32? {
        var wait = pollfd(fd: end.rawValue, events: Int16(POLLIN), revents: 0)
        try system("wait for the command") { unsafe poll(&wait, 1, -1) }
        let bytes = try Pipe.drain(end)
        guard bytes.count >= 4 else { return nil }
        return unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: Int32.self) }
    }

    private static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
