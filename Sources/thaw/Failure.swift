import ArgumentParser
import Build
import ColdStart
import Frontend
import Linux
import OCI
import Project
import Sandbox
import SystemPackage

/// The exit statuses of CLI.md.
enum Status: Int32 {
    case done = 0
    case failed = 1
    case gateBroken = 2
    case unmeasurable = 3
    case usage = 64
    case interrupted = 130
}

/// What a person is told when a command does not end well: one sentence, maybe what to do, and the status.
struct Failure: Error {
    let message: String
    let remedy: String?
    let status: Status

    init(_ message: String, remedy: String? = nil, status: Status = .failed) {
        self.message = message
        self.remedy = remedy
        self.status = status
    }

    /// Any error of the libraries.
    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case let error as BuildError: self.init(error)
        case let error as OCIError: self.init("\(error)", remedy: Self.remedy(for: error))
        case let error as ProjectError: self.init("\(error)", status: .usage)
        case let error as ColdStartError: self.init("\(error)", remedy: error.remedy, status: Status(error.kind))
        case let error as SandboxError: self.init("\(error)", status: error == .notPrivileged ? .unmeasurable : .failed)
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
        case .noContext, .badContext: self.init("\(error)", status: .usage)
        case .noProgram(_, let package), .stepFailed(BuildError.noProgram(_, let package), _):
            self.init("\(error)", remedy: "apt-get install \(package)", status: .unmeasurable)
        case .unexpectedMiss: self.init("\(error)", status: .gateBroken)
        case .baseNotFound(let name, _):
            self.init("\(error)", remedy: "bring it in with 'thaw load -i FILE' or 'thaw copy oci:DIR:TAG \(name)'")
        case .needsEmulation:
            self.init(
                "\(error)",
                remedy: "install qemu-user-static, or run commands only in stages FROM --platform=$BUILDPLATFORM",
                status: .unmeasurable)
        case .wrongPlatform(let name, _, let wanted, _):
            self.init("\(error)", remedy: "bring in an index that has \(wanted) under the name '\(name)'")
        case .stepFailed(let cause as SandboxError, _) where cause == .notPrivileged:
            self.init("\(error)", remedy: "run thaw as root", status: .unmeasurable)
        case .stepFailed(let cause as SystemError, _):
            self.init("\(error)", remedy: Self.remedy(for: cause), status: Self.status(of: cause))
        default: self.init("\(error)")
        }
    }

    private static func remedy(for error: OCIError) -> String? {
        switch error {
        case .imageNotFound: "'thaw images' lists what is there; 'thaw load -i FILE' brings more"
        case .unnamedImage(let place, let tag):
            "name it: 'thaw copy oci:\(place):\(tag) NAME', or oci-archive: for an archive"
        case .unsafeEntry: "the image may be malicious; nothing of it was kept"
        case .blobMismatch, .blobSize, .blobMissing:
            "the store or the archive is damaged; build or load the image again"
        default: nil
        }
    }

    /// What only root may do is lacking here; nothing is wrong with the work.
    private static func status(of error: SystemError) -> Status {
        error.errno == .notPermitted ? .unmeasurable : .failed
    }

    private static func remedy(for error: SystemError) -> String? {
        switch error.errno {
        case .noSpace: "nothing half-written was kept; 'thaw prune' frees what no image needs"
        case .permissionDenied, .notPermitted: "run thaw as root, or choose another store with --store"
        default: nil
        }
    }
}

extension Status {
    fileprivate init(_ kind: ColdStartError.Kind) {
        switch kind {
        case .usage: self = .usage
        case .work: self = .failed
        case .machine: self = .unmeasurable
        case .interrupted: self = .interrupted
        }
    }
}
