public import HTTP
public import Linux
public import OCI

/// Why a registry could not be asked, or did not do what was asked.
///
/// `action` is what was tried with the full name, `pull HOST/PATH:TAG`. Texts of the server are cleaned of control
/// characters and of every secret that was sent.
public enum RegistryError: Error, Sendable, Equatable, CustomStringConvertible {
    case connection(String, HTTPError)
    case notFound(String, reason: String)
    case unauthorized(String, host: String, hadCredentials: Bool)
    case denied(String, host: String, reason: String)
    case busy(String, host: String, status: Int, retryAfter: Int?)
    case refused(String, host: String, status: Int, reason: String)
    case malformedAnswer(String, host: String, reason: String)
    case wrongContent(String, host: String, OCIError)
    case notStored(String, SystemError)
    case foreignLayer(String, Digest)
    case oldManifest(String)
    case unsafeTokenServer(String, host: String, realm: String)
    case blocked(String, host: String)
    case tooDeep(String)
    case helperMissing(String)
    case helperFailed(String, reason: String)
    case malformedFile(String, reason: String)

    public var description: String {
        switch self {
        case .connection(let action, let error): "cannot \(action): \(error)"
        case .notFound(let action, let reason): "cannot \(action): the registry has no such thing\(Self.more(reason))"
        case .unauthorized(let action, let host, let hadCredentials):
            hadCredentials
                ? "cannot \(action): \(host) does not accept the user name and password for it"
                : "cannot \(action): \(host) wants a login for it, or it does not exist"
        case .denied(let action, let host, let reason): "cannot \(action): \(host) forbids it\(Self.more(reason))"
        case .busy(let action, let host, let status, let wait?):
            "cannot \(action): \(host) answers with status \(status) and wants to be left alone for \(wait) seconds"
        case .busy(let action, let host, let status, nil):
            "cannot \(action): \(host) keeps answering with status \(status)"
        case .refused(let action, let host, 413, _):
            "cannot \(action): \(host), or a proxy before it, does not take that much at once (status 413)"
        case .refused(let action, let host, let status, let reason):
            "cannot \(action): \(host) answers with status \(status)\(Self.more(reason))"
        case .malformedAnswer(let action, let host, let reason): "cannot \(action): \(host) \(reason)"
        case .wrongContent(let action, let host, let error): "cannot \(action): \(host) sent something else: \(error)"
        case .notStored(let action, let error): "cannot \(action): the store cannot keep it: \(error)"
        case .foreignLayer(let action, let digest):
            "cannot \(action): layer \(digest) is foreign, to be fetched from its vendor and not from the registry"
        case .oldManifest(let action):
            "cannot \(action): its manifest is of Docker's schema 1, which was given up in 2017; push it again with a newer tool"
        case .unsafeTokenServer(let action, let host, let realm):
            "cannot \(action): \(host) wants the password to be sent to \(realm), where anybody could listen"
        case .blocked(let action, let host): "cannot \(action): registries.conf blocks \(host)"
        case .tooDeep(let action): "cannot \(action): its indexes lead to ever more indexes"
        case .helperMissing(let program): "cannot read credentials: '\(program)' is not installed"
        case .helperFailed(let program, let reason): "cannot read credentials: '\(program)' \(reason)"
        case .malformedFile(let path, let reason): "cannot read '\(path)': \(reason)"
        }
    }

    private static func more(_ reason: String) -> String { reason.isEmpty ? "" : ": \(reason)" }

    /// Whether the same may well succeed a moment later.
    ///
    /// - Parameter knows: Whether that server answered before: one that was there is being started again, one that never
    ///   was is not.
    /// True if the transfer was given up because it was too slow.
    var isStall: Bool { if case .connection(_, .stalled) = self { true } else { false } }

    func isTransient(knows: (String) -> Bool) -> Bool {
        switch self {
        case .connection(_, .unreachable(let host)): knows(host)
        case .connection(_, let error): error.isTransient
        case .busy: true
        default: false
        }
    }
}
