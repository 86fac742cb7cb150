import ArgumentParser
import Build
import ColdStart
import Frontend
import HTTP
import Linux
import OCI
import Probe
import Project
import Registry
import Sandbox
import SystemPackage

/// The exit statuses of all commands.
enum CommandStatus: Int32 {
    case done = 0
    case failed = 1
    case gateBroken = 2
    case unmeasurable = 3
    case usage = 64
    case interrupted = 130
}

/// The report of a failed command: one sentence, a remedy if there is one, and the exit status.
struct Failure: Error {
    let message: String
    let remedy: String?
    let status: CommandStatus

    init(_ message: String, remedy: String? = nil, status: CommandStatus = .failed) {
        self.message = message
        self.remedy = remedy
        self.status = status
    }

    /// Converts any error of the libraries to a report.
    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as BuildError: self.init(error)
        case let error as OCIError: self.init("\(error)", remedy: Self.remedy(for: error))
        case let error as RegistryError: self.init("\(error)", remedy: Self.remedy(for: error), status: error.status)
        case let error as HTTPError: self.init("\(error)")
        case is ProbeError, is ProjectError: self.init("\(error)", status: .usage)
        case let error as ColdStartError: self.init(error)
        case let error as SandboxError: self.init(error, "\(error)")
        case let error as NoIsolation: self.init("\(error)", remedy: error.remedy, status: .unmeasurable)
        case let error as UnenforcedLimit: self.init("\(error)", remedy: UnenforcedLimit.remedy, status: .unmeasurable)
        case let error as UserNamespaceError:
            self.init("\(error)", remedy: error.remedy, status: .unmeasurable)
        case let error as SystemError:
            self.init("\(error)", remedy: Self.remedy(for: error), status: Self.status(of: error))
        case is CancellationError: self.init("interrupted", status: .interrupted)
        default: self.init("\(error)")
        }
    }

    private init(_ error: BuildError) {
        switch error {
        case .dockerfile(let error): self.init("\(error)")
        case .noDockerfile: self.init("\(error)", remedy: "name it with -f FILE", status: .usage)
        case .noContext, .badContext, .badEpoch: self.init("\(error)", status: .usage)
        case .noProgram(_, let package), .stepFailed(BuildError.noProgram(_, let package), _):
            self.init("\(error)", remedy: "apt-get install \(package)", status: .unmeasurable)
        case .unexpectedMiss: self.init("\(error)", status: .gateBroken)
        case .baseNotFound(let name, _):
            self.init("\(error)", remedy: "add it with 'thaw load -i FILE' or 'thaw copy oci:DIR:TAG \(name)'")
        case .unreadable, .stepFailed(BuildError.unreadable, _):
            self.init("\(error)", remedy: "make it readable for this user, or add it to .dockerignore")
        case .needsEmulation:
            self.init(
                "\(error)",
                remedy: "install qemu-user-static, or run commands only in stages FROM --platform=$BUILDPLATFORM",
                status: .unmeasurable)
        case .wrongPlatform(let name, _, let wanted, _):
            self.init("\(error)", remedy: "store an index that has \(wanted) as '\(name)'")
        case .runFailed(let failure, _):
            let hints = [failure.remedy, Self.singleUserRemedy].compactMap(\.self)
            self.init("\(error)", remedy: hints.isEmpty ? nil : hints.joined(separator: "\n"))
        case .stepFailed(is UnenforcedLimit, _):
            self.init("\(error)", remedy: UnenforcedLimit.remedy, status: .unmeasurable)
        case .stepFailed(BuildError.tooFewCPUs(_, _), _), .stepFailed(BuildError.noSuchCPUs(_, _), _):
            self.init("\(error)", status: .unmeasurable)
        case .stepFailed(let cause as SandboxError, _): self.init(cause, "\(error)")
        case .stepFailed(let cause as NoIsolation, _):
            self.init("\(error)", remedy: cause.remedy, status: .unmeasurable)
        case .needsNamespaces(_, let reason, _): self.init(missing: reason, for: "\(error)")
        case .stepFailed(BuildError.needsNamespaces(_, let reason, _), _):
            self.init(missing: reason, for: "\(error)")
        case .stepFailed(let cause as OCIError, _): self.init("\(error)", remedy: Self.remedy(for: cause))
        case .stepFailed(let cause as RegistryError, _):
            self.init("\(error)", remedy: Self.remedy(for: cause), status: cause.status)
        case .stepFailed(let cause as SystemError, _):
            self.init("\(error)", remedy: Self.remedy(for: cause), status: Self.status(of: cause))
        default: self.init("\(error)")
        }
    }

    private init(_ error: ColdStartError) {
        var remedy = error.remedy
        if case .containerFailed = error { remedy = remedy ?? Self.namespaceRemedy ?? Self.singleUserRemedy }
        self.init("\(error)", remedy: remedy, status: CommandStatus(error.kind))
    }

    /// The report of a failed start, with the last lines of its console if there is more than one.
    init(_ error: ColdStartError, _ lastLines: [String], _ console: String?) {
        let plain = Failure(error)
        var hints = plain.remedy.map { [$0] } ?? []
        if lastLines.count > 1 { hints += ["the last lines of the console:"] + lastLines.map { "  \($0)" } }
        if let console { hints.append("the whole console is in '\(console)'") }
        self.init(
            plain.message, remedy: hints.isEmpty ? nil : hints.joined(separator: "\n"), status: plain.status)
    }

    private init(missing reason: IsolationLadder.Unavailable?, for message: String) {
        let remedy = reason.map { ["\($0.reason)", $0.remedy].compactMap(\.self).joined(separator: "; ") }
        self.init(message, remedy: remedy ?? "build without --isolation chroot", status: .unmeasurable)
    }

    private init(_ error: SandboxError, _ message: String) {
        switch error {
        case .notPrivileged:
            self.init(message, remedy: Self.namespaceRemedy ?? "run thaw as root", status: .unmeasurable)
        case .unmapped: self.init(message, remedy: Self.singleUserRemedy, status: .unmeasurable)
        default: self.init(message)
        }
    }

    /// The reason that this process could not become root of a user namespace; nil if it did not try, or succeeded.
    private static var namespaceRemedy: String? {
        guard case .refused(let reason) = UserNamespace.status else { return nil }
        return "\(reason); \(reason.remedy)"
    }

    /// The reason that containers have only one user; nil if they have others.
    static var singleUserRemedy: String? {
        guard case .single(let reason) = UserNamespace.status else { return nil }
        return "containers have only one user here, because \(reason); \(reason.remedy)"
    }

    private static func remedy(for error: OCIError) -> String? {
        switch error {
        case .imageNotFound: "'thaw images' lists the images of the store; 'thaw load -i FILE' adds one"
        case .unnamedImage(let place, let tag):
            "name it: 'thaw copy oci:\(place):\(tag) NAME', or oci-archive: for an archive"
        case .unsafeEntry: "the image may be malicious; nothing of it was kept"
        case .blobMismatch, .blobSize, .blobMissing:
            "the store or the archive is damaged; build or load the image again"
        default: nil
        }
    }

    /// The report for a name that neither the store nor its registry has.
    init(missing name: Reference, in store: OCIError, _ error: RegistryError) {
        if case .blocked = error {
            self.init("\(store)", remedy: Self.remedy(for: store))
        } else {
            self.init("\(store), and thaw \(error)", remedy: Self.remedy(for: error))
        }
    }

    private static func remedy(for error: RegistryError) -> String? {
        switch error {
        case .unauthorized(_, let host, _): "log in to it with 'thaw login \(host)'"
        case .connection(_, .untrusted(let host, _)):
            "put the certificate of its CA into /etc/containers/certs.d/\(host)/ca.crt, or use --cert-dir"
        case .connection(_, .notTLS): "use --tls-verify=false for a registry without TLS"
        case .connection(_, .noAuthorities): "apt-get install ca-certificates"
        case .busy: "nothing half-written was kept; try again later"
        case .wrongContent: "nothing of it was kept"
        case .notStored(_, let error): remedy(for: error)
        default: nil
        }
    }

    /// The exit status of a failed system call: EPERM is a privilege that this machine lacks, not a fault of the work.
    private static func status(of error: SystemError) -> CommandStatus {
        error.errno == .notPermitted ? .unmeasurable : .failed
    }

    private static func remedy(for error: SystemError) -> String? {
        switch error.errno {
        case .noSpace, .fileTooLarge: "nothing half-written was kept; 'thaw prune' frees what no image needs"
        case .notPermitted: namespaceRemedy ?? "run thaw as root, or choose another store with --store"
        case .invalidArgument where error.operation == "change owner": singleUserRemedy
        case .readOnlyFileSystem: "choose a writable place; use --store for the store"
        case .permissionDenied: "change its mode or owner, run thaw as root, or choose another store with --store"
        default: nil
        }
    }
}

extension CommandStatus {
    fileprivate init(_ kind: ColdStartError.Kind) {
        switch kind {
        case .usage: self = .usage
        case .work: self = .failed
        case .machine: self = .unmeasurable
        case .interrupted: self = .interrupted
        }
    }
}

extension RegistryError {
    /// The exit status: a malformed file is wrong configuration, a missing helper is a lack of this machine.
    fileprivate var status: CommandStatus {
        switch self {
        case .malformedFile: .usage
        case .helperMissing: .unmeasurable
        default: .failed
        }
    }
}
