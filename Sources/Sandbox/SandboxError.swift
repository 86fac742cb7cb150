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
        case .malformedCommand: "cannot run a command that is empty or holds a NUL byte"
        case .overlayInUse(let path): "overlay '\(path.string)' is in use by another container"
        case .unknownUser(let name): "unable to find user \(name)"
        case .unknownGroup(let name): "unable to find group \(name)"
        case .malformedUser(let text): "'\(text)' is no user[:group], or a number is beyond 2147483647"
        }
    }
}
