// Limits and isolation that this machine doesn't offer.

internal import Linux

/// A part of a command's isolation that is not available here.
public enum MissingIsolation: Sendable, Hashable, CustomStringConvertible {
    /// Root in the container is root on this machine.
    case privateUsers
    /// Image layers are stored with shifted owners.
    case idmappedMounts
    /// A limit that no control group enforces.
    case limit(UnenforcedLimit)

    /// One sentence.
    public var description: String {
        switch self {
        case .privateUsers:
            "root in the container is root on this machine: the kernel has no user namespaces, or the store's file system has neither idmapped mounts for overlays (Linux 5.19) nor large user numbers"
        case .idmappedMounts:
            "the kernel or the store's file system has no idmapped mounts for overlays (Linux 5.19): the image's layers are unpacked with shifted owners for RUN"
        case .limit(let limit): limit.description
        }
    }
}

extension ChrootContainer {
    /// Returns the limits of `command` that are not available here.
    public static func missingIsolation(of command: Command) throws -> [MissingIsolation] {
        try Container.unenforcedLimits(of: command).map { .limit($0) }
    }
}

extension Container {
    /// Returns the parts of the isolation of `command` that are not available here.
    public func missingIsolation(of command: Command) throws -> [MissingIsolation] {
        let limits = try Self.unenforcedLimits(of: command, runtime: runtime).map { MissingIsolation.limit($0) }
        if root.isShifted { return limits + [.idmappedMounts] }
        guard runtime == nil, try IDMap.current().isInitial, command.users == .separate, !command.isPrivileged,
            try command.containerUsers(on: root).kind == .own
        else { return limits }
        return limits + [.privateUsers]
    }
}
