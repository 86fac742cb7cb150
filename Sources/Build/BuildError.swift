public import Frontend
public import Linux
public import OCI
public import Sandbox
public import SystemPackage

/// The reason for which a build failed.
public enum BuildError: ReportableError, Sendable {
    case dockerfile(DockerfileError)
    case noDockerfile(String, others: [String])
    case noContext(String)
    case baseNotFound(String, at: Location)
    case sourceNotFound(String)
    case notADirectory(String, String)
    case isADirectory(String)
    case badPath(String, String)
    case badOwner(String, reason: String)
    case contextChanged(String)
    case unreadable(ImagePath, reason: Errno)
    case badIgnoreFile(String, at: Location)
    case runFailed(RunFailure, at: Location)
    case timedOut(Duration)
    case tooFewCPUs(wanted: Double, there: Int)
    case noSuchCPUs(String, there: String)
    case unsupported(String, reason: String = "", at: Location)
    case badContext(String, reason: String)
    case gitFailed(String, reason: String)
    case downloadFailed(String, reason: String)
    case checksum(String, expected: String, found: String)
    case noProgram(String, package: String)
    case wrongPlatform(String, has: String, wanted: String, at: Location)
    case needsEmulation(String, at: Location)
    case stepFailed(any Error, at: Location)
    case notAllowed(String, BuildRequest.Entitlement, at: Location)
    case secretMissing(String, at: Location)
    case badSecret(String, reason: String)
    case agentMissing(String, at: Location)
    case badKey(String)
    case unexpectedMiss(MissReason, at: Location)
    case lintViolation(rules: [String], at: Location)
    case badEpoch(String, reason: String, at: Location)
    case sourceIgnored(String, pattern: String, at: Location)
    case severalSources(String)
    case needsNamespaces(String, IsolationLadder.Unavailable?, at: Location)

    /// A line of a Dockerfile.
    public struct Location: Sendable, Hashable, CustomStringConvertible {
        /// The Dockerfile's name.
        public let file: String
        /// The line, from 1.
        public let line: Int

        public var description: String { "\(file):\(line)" }
    }

    public var description: String {
        switch self {
        case .dockerfile(let error): error.description
        case .noDockerfile(let path, _): "there is no Dockerfile at '\(path)'"
        case .noContext(let path): "the build context '\(path)' is not a directory"
        case .baseNotFound(let name, let place): "\(place): image '\(name)' is not in the store"
        case .sourceNotFound(let path): "\"\(path.hasPrefix("/") ? path : "/" + path)\": not found in the source"
        case .notADirectory(let source, let target):
            "cannot copy directory '\(source)' to '\(target)', which is not a directory"
        case .isADirectory(let target): "cannot copy a file over the directory '\(target)'"
        case .badPath(let path, let reason): "'\(path)' \(reason)"
        case .badOwner(let owner, let reason): "owner '\(owner)': \(reason)"
        case .needsNamespaces(let what, _, let place):
            "\(place): \(what) needs namespaces, but this build runs with chroot alone"
        case .badIgnoreFile(let reason, let place): "\(place): \(reason)"
        case .contextChanged(let path): "'\(path)' in the context changed while it was read; build again"
        case .unreadable(let path, let reason): "'\(path)' in the context cannot be read: \(reason)"
        case .runFailed(let failure, let place):
            (["\(place): \(failure.command): \(failure.end)"] + failure.output.map { "    " + $0 })
                .joined(separator: "\n")
        case .timedOut(let limit): "the build did not end within \(limit.optionText)"
        case .tooFewCPUs(let wanted, let there):
            "RUN needs \(wanted == wanted.rounded() ? "\(Int(wanted))" : "\(wanted)") CPUs, but there are only \(there)"
        case .noSuchCPUs(let wanted, let there): "RUN needs the CPUs \(wanted), but only \(there) are available"
        case .badContext(let text, let reason): "'\(text)' \(reason)"
        case .gitFailed(let remote, let reason): "cannot fetch '\(remote)': \(reason)"
        case .downloadFailed(let address, let reason): "cannot download '\(address)': \(reason)"
        case .checksum(let source, let expected, let found):
            "'\(source)' has the wrong checksum: expected \(expected), found \(found)"
        case .noProgram(let name, _): "the program '\(name)' is not installed"
        case .unsupported(let what, let reason, let place):
            "\(place): \(what) is not supported\(reason.isEmpty ? "" : ": \(reason)")"
        case .wrongPlatform(let name, let has, let wanted, let place):
            "\(place): image '\(name)' in the store is for \(has), not \(wanted)"
        case .needsEmulation(let platform, let place):
            "\(place): this machine cannot run commands for \(platform): no emulator is registered for it"
        case .stepFailed(let error, let place): "\(place): \(error)"
        case .notAllowed(let what, let entitlement, let place):
            "\(place): \(what) is not allowed; give --allow \(entitlement.rawValue) to allow it"
        case .secretMissing(let id, let place):
            "\(place): the secret '\(id)' is required; give it with --secret id=\(id),src=FILE or env=VARIABLE"
        case .badSecret(let id, let reason): "the secret '\(id)' cannot be read: \(reason)"
        case .agentMissing(let id, let place):
            "\(place): the SSH agent '\(id)' is required; give it with --ssh \(id)=SOCKET or KEY"
        case .badKey(let path): "'\(path)' is not an SSH key without a passphrase"
        case .lintViolation(let rules, let place):
            "\(place): lint violation found for rules: \(rules.joined(separator: ", "))"
        case .badEpoch(let text, let reason, let place): "\(place): SOURCE_DATE_EPOCH: '\(text)' \(reason)"
        case .sourceIgnored(let path, let pattern, let place):
            "\"\(path.hasPrefix("/") ? path : "/" + path)\": the pattern '\(pattern)' of \(place) excludes it"
        case .severalSources(let target):
            "several files would become the one file '\(target)'; the destination of several sources must end in /"
        case .unexpectedMiss(let reason, let place): "\(place): this step is not in the cache: \(reason)"
        }
    }
}

extension BuildError {
    /// The remedy; that of a failed step is the remedy of its cause.
    public var remedy: String? {
        switch self {
        case .noDockerfile(_, let others) where others.isEmpty: "name it with -f FILE"
        case .noDockerfile(_, let others): "name one with -f: \(others.joined(separator: ", "))"
        case .sourceNotFound(let path) where path.split(separator: "/").contains(".."):
            "nothing above the context can be copied; build from the directory above with -f, or add --build-context"
        case .noProgram(_, let package): "apt-get install \(package)"
        case .baseNotFound(let name, _): "add it with 'thaw load -i FILE' or 'thaw copy oci:DIR:TAG \(name)'"
        case .unreadable: "make it readable for this user, or add it to .dockerignore"
        case .needsEmulation:
            "install qemu-user-static, or run commands only in stages FROM --platform=$BUILDPLATFORM"
        case .wrongPlatform(let name, _, let wanted, _): "store an index that has \(wanted) as '\(name)'"
        case .runFailed(let failure, _): Self.lines(failure.remedy, UserNamespace.singleUserRemedy)
        case .needsNamespaces(_, let reason?, _):
            [reason.reason, reason.remedy].compactMap(\.self).joined(separator: "; ")
        case .needsNamespaces(_, nil, _): "build without --isolation chroot"
        case .stepFailed(let cause, _): (cause as? any ReportableError)?.remedy
        default: nil
        }
    }

    /// The kind of the failure; that of a failed step is the kind of its cause.
    public var kind: FailureKind {
        switch self {
        case .noDockerfile, .noContext, .badContext, .badEpoch: .usage
        case .noProgram, .needsEmulation, .needsNamespaces: .machine
        case .unexpectedMiss: .gate
        case .stepFailed(BuildError.tooFewCPUs, _), .stepFailed(BuildError.noSuchCPUs, _): .machine
        case .stepFailed(BuildError.badContext, _), .stepFailed(BuildError.noContext, _): .work
        case .stepFailed(let cause, _): (cause as? any ReportableError)?.kind ?? .work
        default: .work
        }
    }

    private static func lines(_ remedies: String?...) -> String? {
        let known = remedies.compactMap(\.self)
        return known.isEmpty ? nil : known.joined(separator: "\n")
    }
}
