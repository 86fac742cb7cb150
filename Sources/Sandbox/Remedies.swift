// The remedies that depend on the user namespace of this process.

public import Linux
internal import SystemPackage

extension UserNamespace {
    /// The reason that this process could not become root of a user namespace, and the remedy of that.
    ///
    /// Nil if it did not try, or succeeded.
    public static var refusalRemedy: String? {
        guard case .refused(let reason) = status else { return nil }
        return ["\(reason)", reason.remedy].compactMap(\.self).joined(separator: "; ")
    }

    /// The reason that containers have only one user, and its remedy; nil if they have others.
    public static var singleUserRemedy: String? {
        guard case .single(let reason) = status else { return nil }
        return "containers have only one user here, because \(reason); \(reason.remedy)"
    }
}

/// The remedies of failed system calls, here because EPERM has another one in a user namespace.
extension SystemError: ReportableError {
    /// The remedy of a full disk and of missing permissions.
    public var remedy: String? {
        switch errno {
        case .noSpace, .fileTooLarge: "nothing half-written was kept; 'thaw prune' frees what no image needs"
        case .notPermitted:
            UserNamespace.refusalRemedy ?? "run thaw as root, or choose another store with --store"
        case .invalidArgument where operation == "change owner": UserNamespace.singleUserRemedy
        case .readOnlyFileSystem: "choose a writable place; use --store for the store"
        case .permissionDenied: "change its mode or owner, run thaw as root, or choose another store with --store"
        default: nil
        }
    }

    /// The kind of the failure: EPERM is a privilege that this machine lacks, not a fault of the work.
    public var kind: FailureKind { errno == .notPermitted ? .machine : .work }
}
