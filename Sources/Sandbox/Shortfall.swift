// Limits and isolation that this machine can't give a command.

internal import Linux

/// A part of a command's isolation that is missing here.
public enum Shortfall: Sendable, Hashable, CustomStringConvertible {
    /// Root in the container is root on this machine.
    case privateUsers
    /// No control group can be made that counts processes: root may start any number, another user has RLIMIT_NPROC.
    case processLimit
    /// No control group can be made that counts memory.
    case memoryLimit

    /// One sentence.
    public var description: String {
        switch self {
        case .privateUsers:
            "root in the container is root on this machine: the kernel or the store's file system has no idmapped mounts for overlays (Linux 5.19)"
        case .processLimit: "the limit of processes holds for users other than root only: no control group can be made"
        case .memoryLimit: "the limit of memory does not hold: no control group can be made"
        }
    }
}

extension Command {
    /// The limits that no control group here can hold.
    fileprivate var limitShortfalls: [Shortfall] {
        controlled.filter { Place.all[$0.0] == nil }.map { controller, _ in
            switch controller {
            case .processes: .processLimit
            case .memory: .memoryLimit
            }
        }
    }
}

extension ChrootContainer {
    /// The limits of `command` that are missing here.
    public static func shortfalls(of command: Command) -> [Shortfall] { command.limitShortfalls }
}

extension Container {
    /// The parts of the isolation of `command` that are missing here.
    public func shortfalls(of command: Command) throws -> [Shortfall] {
        let limits = command.limitShortfalls
        guard runtime == nil, try IDMap.current().isInitial, command.users == .separate, !command.isPrivileged,
            try command.containerUsers(on: root).kind == .own
        else { return limits }
        return limits + [.privateUsers]
    }
}
