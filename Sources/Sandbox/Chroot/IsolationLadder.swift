// The isolation that works here, found by running a command that doesn't exist in each. If only its execution fails,
// all steps before it have succeeded.

internal import Glibc
public import Linux
public import SystemPackage

/// The isolation between a command and the machine, strongest first.
public enum Isolation: String, Sendable, Hashable, CaseIterable, Codable {
    /// Namespaces, with all users of the process.
    case namespaces
    /// Namespaces below a user namespace with a single user.
    case userns
    /// A changed root directory and nothing else.
    case chroot

    /// A short text for people.
    public var description: String {
        switch self {
        case .namespaces: "namespaces"
        case .userns: "namespaces with one user"
        case .chroot: "chroot alone"
        }
    }
}

/// The isolation that works here, and the reasons for which stronger ones don't.
public struct IsolationLadder: Sendable {
    /// The strongest that works, or the requested one; nil if none works.
    public let chosen: Isolation?
    /// The obstacles of the others, strongest first.
    public let unavailable: [Unavailable]
    /// Device nodes that could not be made in /dev.
    public let missingDevices: [String]

    /// The reason for which an isolation doesn't work.
    public struct Unavailable: Error, Sendable, Hashable, CustomStringConvertible {
        /// The isolation.
        public let isolation: Isolation
        /// The reason, in one sentence.
        public let reason: String
        /// The remedy.
        public let remedy: String?

        public var description: String { "\(isolation.rawValue): \(reason)" }
    }

    /// Tries each isolation, or only `wanted`, in the empty directory `area`.
    ///
    /// Call ``UserNamespace/enter(asSingleUser:)`` first.
    public static func climb(to wanted: Isolation? = nil, in area: FilePath) async throws -> IsolationLadder {
        var unavailable: [Unavailable] = []
        for isolation in wanted.map({ [$0] }) ?? rungs {
            if let problem = try await problem(to: isolation, in: area.appending(isolation.rawValue)) {
                unavailable.append(problem)
            } else {
                let devices = isolation == .chroot ? try ChrootDevices(in: area).missing : []
                return IsolationLadder(chosen: isolation, unavailable: unavailable, missingDevices: devices)
            }
        }
        return IsolationLadder(chosen: nil, unavailable: unavailable, missingDevices: [])
    }

    /// The isolations to try, strongest first.
    ///
    /// A changed root can't confine a process with all capabilities. So root of the machine gets it only on request.
    private static var rungs: [Isolation] {
        switch UserNamespace.status {
        case .privileged: [.namespaces]
        case .single: Isolation.allCases
        case .ranges, .refused, nil: [.namespaces, .chroot]
        }
    }

    private static func problem(to isolation: Isolation, in area: FilePath) async throws -> Unavailable? {
        switch (isolation, UserNamespace.status) {
        case (.namespaces, .single(let reason)):
            return Unavailable(isolation: isolation, reason: "only one user: \(reason)", remedy: reason.remedy)
        case (.namespaces, .refused(let problem)), (.userns, .refused(let problem)):
            return Unavailable(isolation: isolation, reason: "\(problem)", remedy: problem.remedy)
        case (.userns, .privileged), (.userns, .ranges), (.userns, nil):
            return Unavailable(isolation: isolation, reason: "this process has more than one user", remedy: nil)
        case (.chroot, .refused) where UserNamespace.user != 0:
            return Unavailable(
                isolation: isolation,
                reason: "only root may change its root directory, and this is user \(UserNamespace.user)", remedy: nil)
        default: break
        }
        do {
            try await attempt(isolation, in: area)
            return nil
        } catch SandboxError.command(_, .noSuchFileOrDirectory) {
            return nil
        } catch let error as SandboxError {
            return Unavailable(isolation: isolation, reason: "\(error)", remedy: remedy(for: isolation))
        } catch let error as SystemError {
            return Unavailable(isolation: isolation, reason: "\(error)", remedy: remedy(for: isolation))
        }
    }

    private static func attempt(_ isolation: Isolation, in area: FilePath) async throws {
        for part in ["root", "upper", "work"] { _ = try Directory.make(area.appending(part)) }
        let command = Command(["/thaw-trial"])
        if isolation == .chroot {
            _ = try await ChrootContainer(area.appending("root"), area: area).run(command)
        } else {
            let overlay = Overlay(
                lowers: [area.appending("root")], upper: area.appending("upper"), work: area.appending("work"))
            _ = try await Container(overlay).run(command)
        }
    }

    private static func remedy(for isolation: Isolation) -> String {
        switch isolation {
        case .chroot: "run thaw as root; in a container, leave it CAP_SYS_CHROOT"
        case .namespaces where UserNamespace.status == .privileged:
            "put the store on ext4, xfs, btrfs or tmpfs; in a container of its own, --isolation chroot needs no mounts"
        case .namespaces, .userns:
            "run thaw as root; in a container, start that with --privileged, and with the store on a volume"
        }
    }
}

extension IsolationLadder {
    /// Returns the isolation, or throws if none works.
    public func require() throws(NoIsolation) -> Isolation {
        guard let chosen else { throw NoIsolation(unavailable: unavailable) }
        return chosen
    }

    /// A note for the user about the isolation; nil for none.
    public var note: String? {
        guard chosen == .chroot else { return nil }
        let reason = unavailable.last.map { ", because \($0.reason)" } ?? ""
        let devices = missingDevices.isEmpty ? "" : "; it has no \(missingDevices.joined(separator: ", "))"
        return """
            RUN is isolated by chroot alone\(reason); it has the network, the processes and the host name of the \
            container around it\(devices)
            """
    }
}

/// No isolation works here.
public struct NoIsolation: ReportableError, Sendable {
    /// The obstacles of all isolations tried.
    public let unavailable: [IsolationLadder.Unavailable]

    /// An error for these obstacles.
    public init(unavailable: [IsolationLadder.Unavailable]) { self.unavailable = unavailable }

    public var description: String {
        "cannot isolate a command here: " + unavailable.map { "\($0)" }.joined(separator: "; ")
    }

    /// The remedies.
    public var remedy: String? {
        let remedies = unavailable.compactMap(\.remedy)
        return remedies.isEmpty ? nil : remedies.joined(separator: "; or: ")
    }

    /// This machine lacks an isolation.
    public var kind: FailureKind { .machine }
}
