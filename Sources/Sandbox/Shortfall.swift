// What this machine can't hold a command to.

/// A limit of a command that is not enforced here.
public enum Shortfall: Sendable, Hashable, CustomStringConvertible {
    /// No control group can be made that counts processes: root may start any number, another user has RLIMIT_NPROC.
    case processLimit
    /// No control group can be made that counts memory.
    case memoryLimit

    /// One sentence.
    public var description: String {
        switch self {
        case .processLimit: "the limit of processes holds for users other than root only: no control group can be made"
        case .memoryLimit: "the limit of memory does not hold: no control group can be made"
        }
    }
}

extension Container {
    /// The limits of `command` that this machine will not enforce.
    public static func shortfalls(of command: Command) -> [Shortfall] {
        command.controlled.filter { Place.all[$0.0] == nil }.map { controller, _ in
            switch controller {
            case .processes: .processLimit
            case .memory: .memoryLimit
            }
        }
    }
}
