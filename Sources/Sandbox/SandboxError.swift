// What can keep a command from running.

public import Linux
public import SystemPackage

/// Why a container could not do its work.
public enum SandboxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// This process may not make namespaces.
    case notPrivileged
    /// The command is not there, or cannot be executed; the kernel's reason says which.
    case command(String, Errno)
    /// The container could not be set up.
    case setup(SystemError)
    /// What should be mounted on this place of the container can't be.
    case attachment(FilePath, SystemError)
    /// There is no `pasta` for an isolated network.
    case noIsolation
    /// The isolated network did not come to be; what pasta said.
    case network(String)
    /// Text that is no `NAME=SOFT[:HARD]`, or a name that is no limit's.
    case malformedLimit(String)
    /// Text that is no `NAME:ADDRESS`.
    case malformedHost(String)
    /// The command has no words, or one holds a NUL byte.
    case malformedCommand
    /// Another container writes to this overlay.
    case overlayInUse(FilePath)
    /// The root file system's /etc/passwd has no such user.
    case unknownUser(String)
    /// The root file system's /etc/group has no such group.
    case unknownGroup(String)
    /// A user or group number beyond 2147483647, or text that is no `user[:group]`.
    case malformedUser(String)

    /// One sentence.
    public var description: String {
        switch self {
        case .notPrivileged: "cannot start a container: it needs root or CAP_SYS_ADMIN on this machine"
        case .command(let name, let errno): "cannot run '\(name)' in the container: \(errno)"
        case .setup(let error): "cannot set up the container: \(error)"
        case .attachment(let target, let error): "cannot mount on '\(target.string)' in the container: \(error)"
        case .noIsolation:
            "cannot give the container a network of its own: pasta is not on the PATH (Debian's passt package has it)"
        case .network(let reason): "cannot give the container a network of its own: pasta says '\(reason)'"
        case .malformedLimit(let text):
            "'\(text)' is no limit: NAME=SOFT[:HARD] with a name of \(Limit.names.joined(separator: ", "))"
        case .malformedHost(let text): "'\(text)' is no NAME:ADDRESS with an IPv4 or IPv6 address or host-gateway"
        case .malformedCommand: "cannot run a command that is empty or holds a NUL byte"
        case .overlayInUse(let path): "overlay '\(path.string)' is in use by another container"
        case .unknownUser(let name): "unable to find user \(name)"
        case .unknownGroup(let name): "unable to find group \(name)"
        case .malformedUser(let text): "'\(text)' is no user[:group], or a number is beyond 2147483647"
        }
    }
}
