// The errors of starting and running a command.

public import Linux
public import SystemPackage

/// The reason for which a container couldn't run.
public enum SandboxError: ReportableError, Sendable, Equatable {
    /// This process may not make namespaces.
    case notPrivileged
    /// A user or group that this process's user namespace doesn't map.
    case unmapped(String)
    /// The command doesn't exist or can't be executed; errno is the kernel's reason.
    case command(String, Errno)
    /// The container could not be set up.
    case setup(SystemError)
    /// The mount at this path of the container failed.
    case attachment(FilePath, SystemError)
    /// `pasta`, which an isolated network needs, is not installed.
    case noIsolation
    /// The isolated network couldn't be made; pasta's message.
    case network(String)
    /// Text that isn't `NAME=SOFT[:HARD]`, or an unknown name of a limit.
    case malformedLimit(String)
    /// Text that isn't `NAME:ADDRESS`.
    case malformedHost(String)
    /// The command has no arguments, or one holds a NUL byte.
    case malformedCommand
    /// Another container writes to this overlay.
    case overlayInUse(FilePath)
    /// The root file system's /etc/passwd has no such user.
    case unknownUser(String)
    /// The root file system's /etc/group has no such group.
    case unknownGroup(String)
    /// A user or group ID beyond 2147483647, or text that isn't `user[:group]`.
    case malformedUser(String)

    /// One sentence.
    public var description: String {
        switch self {
        case .notPrivileged: "cannot start a container: it needs root or CAP_SYS_ADMIN on this machine"
        case .unmapped(let who): "cannot run as \(who), which does not exist in this user namespace"
        case .command(let name, let errno): "cannot run '\(name)' in the container: \(errno)"
        case .setup(let error): "cannot set up the container: \(error)"
        case .attachment(let target, let error): "cannot mount on '\(target.string)' in the container: \(error)"
        case .noIsolation:
            "cannot give the container a network of its own: pasta is not on the PATH (Debian's passt package has it)"
        case .network(let reason): "cannot give the container a network of its own: pasta failed: \(reason)"
        case .malformedLimit(let text):
            "'\(text)' is not a limit; use NAME=SOFT[:HARD] with a name of \(Limit.names.joined(separator: ", "))"
        case .malformedHost(let text): "'\(text)' is not NAME:ADDRESS with an IPv4 or IPv6 address or host-gateway"
        case .malformedCommand: "cannot run a command that is empty or holds a NUL byte"
        case .overlayInUse(let path): "overlay '\(path.string)' is in use by another container"
        case .unknownUser(let name): "unable to find user \(name)"
        case .unknownGroup(let name): "unable to find group \(name)"
        case .malformedUser(let text): "'\(text)' is not user[:group] with numbers up to 2147483647"
        }
    }
}

extension SandboxError {
    /// The remedy, which depends on the user namespace of this process.
    public var remedy: String? {
        switch self {
        case .notPrivileged: UserNamespace.refusalRemedy ?? "run thaw as root"
        case .unmapped: UserNamespace.singleUserRemedy
        default: nil
        }
    }

    /// The kind of the failure: missing privileges are a lack of this machine.
    public var kind: FailureKind {
        switch self {
        case .notPrivileged, .unmapped: .machine
        default: .work
        }
    }
}
