public import HTTP
public import Linux
public import OCI

/// The reason that a request to a registry failed.
///
/// `action` is the failed action with the full name, `pull HOST/PATH:TAG`. Texts of the server are cleaned of control
/// characters and of every secret that was sent.
public enum RegistryError: ReportableError, Sendable, Equatable {
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
    case rejected(String, policy: String)
    case uncheckable(String, policy: String, String)
    case unsigned(String, policy: String, keys: String, reason: String)
    case helperMissing(String)
    case helperFailed(String, reason: String)
    case malformedFile(String, reason: String)

    public var description: String {
        switch self {
        case .connection(let action, let error): "cannot \(action): \(error)"
        case .notFound(let action, let reason): "cannot \(action): not found in the registry\(Self.more(reason))"
        case .unauthorized(let action, let host, let hadCredentials):
            hadCredentials
                ? "cannot \(action): \(host) rejects the user name and password"
                : "cannot \(action): \(host) requires a login, or the repository does not exist"
        case .denied(let action, let host, let reason): "cannot \(action): \(host) denies access\(Self.more(reason))"
        case .busy(let action, let host, 429, let wait):
            "cannot \(action): \(host) limits the rate of requests (status 429)"
                + (wait.map { " and allows the next one after \(Duration.seconds($0).text)" } ?? "")
        case .busy(let action, let host, let status, let wait?):
            "cannot \(action): \(host) responds with status \(status) and allows a retry only after \(Duration.seconds(wait).text)"
        case .busy(let action, let host, let status, nil):
            "cannot \(action): \(host) keeps responding with status \(status)"
        case .refused(let action, let host, 413, _):
            "cannot \(action): \(host), or a proxy before it, rejects the size of the request (status 413)"
        case .refused(let action, let host, let status, let reason):
            "cannot \(action): \(host) responds with status \(status)\(Self.more(reason))"
        case .malformedAnswer(let action, let host, let reason): "cannot \(action): \(host) \(reason)"
        case .wrongContent(let action, let host, let error): "cannot \(action): \(host) sent wrong content: \(error)"
        case .notStored(let action, let error): "cannot \(action): cannot write to the store: \(error)"
        case .foreignLayer(let action, let digest):
            "cannot \(action): layer \(digest) is foreign; only its vendor distributes it, no registry"
        case .oldManifest(let action):
            "cannot \(action): the manifest has Docker's schema 1, obsolete since 2017; push it again with a newer tool"
        case .unsafeTokenServer(let action, let host, let realm):
            "cannot \(action): \(host) requires the password to be sent to \(realm) without encryption"
        case .blocked(let action, let host): "cannot \(action): registries.conf blocks \(host)"
        case .tooDeep(let action): "cannot \(action): its indexes are nested too deeply or have too many manifests"
        case .rejected(let action, let policy): "cannot \(action): '\(policy)' rejects the image"
        case .uncheckable(let action, let policy, let requirement):
            "cannot \(action): '\(policy)' requires \(requirement), which thaw cannot check"
        case .unsigned(let action, let policy, let keys, let reason):
            "cannot \(action): it has no signature by \(keys) for this name, which '\(policy)' requires"
                + Self.more(reason)
        case .helperMissing(let program): "cannot read credentials: '\(program)' is not installed"
        case .helperFailed(let program, let reason): "cannot read credentials: '\(program)' \(reason)"
        case .malformedFile(let path, let reason): "cannot read '\(path)': \(reason)"
        }
    }

    private static func more(_ reason: String) -> String { reason.isEmpty ? "" : ": \(reason)" }

    /// True if the transfer was given up because it was too slow.
    var isStall: Bool { if case .connection(_, .stalled) = self { true } else { false } }

    /// True if the same request may well succeed a moment later.
    ///
    /// - Parameter knows: True for a server that responded before. Such a server may be restarting; one that never
    ///   responded is not.
    func isTransient(knows: (String) -> Bool) -> Bool {
        switch self {
        case .connection(_, .unreachable(let host)): knows(host)
        case .connection(_, let error): error.isTransient
        case .busy: true
        default: false
        }
    }
}

extension RegistryError {
    /// The remedy, if one is known.
    public var remedy: String? {
        switch self {
        case .unauthorized(_, let host, _): "log in to it with 'thaw login \(host)'"
        case .connection(_, .untrusted(let host, _)):
            "put the certificate of its CA into /etc/containers/certs.d/\(host)/ca.crt, or use --cert-dir"
        case .connection(_, .notTLS): "use --tls-verify=false for a registry without TLS"
        case .connection(_, .noAuthorities): "apt-get install ca-certificates"
        case .connection(_, .unknownHost):
            "check the spelling of the host, and this machine's network; HTTPS_PROXY names a proxy"
        case .connection(_, .unreachable): "check the port, and that the registry runs"
        case .notFound: "'thaw list-tags REPOSITORY' lists the tags that it has"
        case .denied(_, let host, _): "log in as an account that may do this, with 'thaw login \(host)'"
        case .busy(_, let host, 429, _):
            "nothing half-written was kept; try again later, or get a higher limit with 'thaw login \(host)'"
        case .busy: "nothing half-written was kept; try again later"
        case .wrongContent: "nothing of it was kept"
        case .notStored(_, let error): (error as any Error as? any ReportableError)?.remedy
        default: nil
        }
    }

    /// The kind of the failure: a malformed file is wrong configuration, a missing helper is a lack of this machine.
    public var kind: FailureKind {
        switch self {
        case .malformedFile: .usage
        case .helperMissing: .machine
        default: .work
        }
    }
}
