// One clone: a script's steps, then a command.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A command as the kernel takes it, and where it starts.
struct Launch {
    var arguments: [String]
    var environment: [String] = []
    /// The PATH in which its first word is looked up.
    var search = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    /// CLONE_NEW*.
    var namespaces: UInt64
    var streams: (input: Int32, output: Int32, error: Int32)
    /// A group of cgroup v2 to start in, or -1.
    var group: Int32 = -1
    /// Whether a process between this one and the command ends what the command started.
    var isSupervised = false
}

extension Launch {
    /// A command with what its account and environment say.
    init(_ command: Command, streams: (input: Int32, output: Int32, error: Int32), namespaces: UInt64) {
        self.init(
            arguments: command.arguments, environment: command.environment, namespaces: namespaces, streams: streams)
        if !command.environment.contains(where: { $0.hasPrefix("HOME=") }) {
            environment.append("HOME=\(command.account.home)")
        }
        if let path = command.environment.last(where: { $0.hasPrefix("PATH=") }) { search = String(path.dropFirst(5)) }
    }
}

/// What came of a launch.
struct Launched: ~Copyable {
    let process: Int32
    let pidfd: OwnedDescriptor
    /// CLOCK_MONOTONIC in nanoseconds: before clone, and when the command was being executed.
    let times: (Int64, Int64)
    let stubs: [Stub]
    /// Why the command does not run; the process has been waited for then.
    let failure: (isCommand: Bool, error: SystemError)?
}

extension Script {
    /// Clones a child, which has done its steps and runs its command, or has failed, when this returns.
    ///
    /// It dies with the calling thread.
    mutating func launch(_ launch: Launch) throws(SystemError) -> Launched {
        let status = try Pipe(isNonBlocking: true)
        let streams = launch.streams
        keep([streams.input, streams.output, streams.error, status.start.rawValue, launch.group])
        var child = unsafe clinux_child()
        unsafe child.namespaces = launch.namespaces
        unsafe child.arguments = vector(launch.arguments)
        unsafe child.environment = vector(launch.environment)
        unsafe child.search = copy(launch.search)
        unsafe child.streams = (streams.input, streams.output, streams.error)
        unsafe child.group = launch.group
        unsafe child.status = status.start.rawValue
        var (number, times) = (Int32(-1), [Int64](repeating: 0, count: 2))
        let process = try unsafe begin(child, &number, &times, isSupervised: launch.isSupervised)
        let pidfd = OwnedDescriptor(owning: number)
        let end = status.readingEnd()
        let report = ChildReport(try launch.isSupervised ? Pipe.readToEnd(end) : Pipe.drain(end))
        var failure: (isCommand: Bool, error: SystemError)?
        if let (step, errno) = report.failure {
            var ignored: Int32 = 0
            _ = unsafe clinux_wait(pidfd.rawValue, &ignored)
            failure =
                step < count
                ? (false, self.failure(of: step, errno))
                : (true, SystemError("execute", FilePath(launch.arguments[0]), errno))
        }
        return Launched(
            process: process, pidfd: pidfd, times: (times[0], times[1]), stubs: report.stubs, failure: failure)
    }
}
