// The reasons for which a process can't become root of a user namespace, and their remedies.

internal import CLinux
internal import Glibc
public import Linux
public import SystemPackage

/// The reason for which this process can't have a user namespace of its own.
public enum UserNamespaceError: ReportableError, Sendable, Equatable {
    /// `user.max_user_namespaces` is 0.
    case disabled
    /// The number of user namespaces has reached `user.max_user_namespaces`.
    case limit
    /// Debian's switch `kernel.unprivileged_userns_clone` is off.
    case rootOnly
    /// Ubuntu's switch `kernel.apparmor_restrict_unprivileged_userns` is on.
    case restricted
    /// The kernel was built without user namespaces.
    case missing
    /// Refused for a reason that no setting shows: a container's seccomp profile, or another security module.
    case refused(String, Errno)

    /// One sentence.
    public var description: String {
        switch self {
        case .disabled: "user namespaces are disabled: user.max_user_namespaces is 0"
        case .limit: "the limit user.max_user_namespaces is reached"
        case .rootOnly: "only root may make user namespaces: kernel.unprivileged_userns_clone is 0"
        case .restricted:
            "AppArmor denies capabilities in user namespaces: kernel.apparmor_restrict_unprivileged_userns is 1"
        case .missing: "this kernel has no user namespaces"
        case .refused(let what, let errno): "user namespaces are refused here: \(what): \(errno)"
        }
    }

    /// This machine lacks user namespaces.
    public var kind: FailureKind { .machine }

    /// The remedy.
    public var remedy: String? {
        switch self {
        case .disabled, .limit: "run thaw as root, or as root: sysctl -w user.max_user_namespaces=15000"
        case .rootOnly: "run thaw as root, or as root: sysctl -w kernel.unprivileged_userns_clone=1"
        case .restricted:
            "run thaw as root, or as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give thaw an AppArmor profile with 'userns,'"
        case .missing: "run thaw as root"
        case .refused where UserNamespace.user == 0:
            "in a Docker container, start that with --security-opt seccomp=unconfined, or leave root its capabilities"
        case .refused: "run thaw as root; in a Docker container, start that with --security-opt seccomp=unconfined"
        }
    }

    /// Converts a failed stage of clinux_enter_user_namespace to an obstacle; `setting` reads a file of /proc/sys.
    init(stage: Int32, _ errno: Errno, setting: (String) -> String?) {
        if setting("user/max_user_namespaces") == "0" {
            self = .disabled
        } else if errno == .noSpace {
            self = .limit
        } else if setting("kernel/unprivileged_userns_clone") == "0" {
            self = .rootOnly
        } else if setting("kernel/apparmor_restrict_unprivileged_userns") == "1" {
            self = .restricted
        } else if errno == .invalidArgument, stage == Int32(clinux_entry_unshare) {
            self = .missing
        } else {
            self = .refused(Self.words(for: stage), errno)
        }
    }

    private static func words(for stage: Int32) -> String {
        switch stage {
        case Int32(clinux_entry_unshare): "make one"
        case Int32(clinux_entry_map): "map the current user"
        case Int32(clinux_entry_mount): "change a mount in it"
        default: "start a helper"
        }
    }
}
