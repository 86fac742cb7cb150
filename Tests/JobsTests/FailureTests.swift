import ColdStart
import HTTP
import Jobs
import Linux
import OCI
import Probe
import Project
import Registry
import SystemPackage
import Testing

@testable import Build
@testable import Sandbox

/// The report of any error: its sentence, its remedy and its exit status.
@Suite struct FailureTests {
    private static let place = BuildError.Location(file: "Dockerfile", line: 3)

    private struct Other: Error, CustomStringConvertible { let description = "other" }

    /// An error, a part of its remedy (nil for none) and its status.
    private static let errors: [(any Error, String?, CommandStatus)] = [
        (Other(), nil, .failed), (CancellationError(), nil, .interrupted),
        (Failure("x", remedy: "y", status: .usage), "y", .usage),
        (OCIError.blobMissing(Digest(of: [])), "build or load the image again", .failed),
        (OCIError.imageNotFound("a", store: "b"), "thaw images", .failed),
        (OCIError.malformedDigest("x"), nil, .failed),
        (RegistryError.unauthorized("pull x", host: "h", hadCredentials: false), "thaw login h", .failed),
        (RegistryError.connection("pull x", .noAuthorities("h")), "ca-certificates", .failed),
        (RegistryError.connection("pull x", .unknownHost("h")), "spelling of the host", .failed),
        (RegistryError.connection("pull x", .unreachable("h")), "check the port", .failed),
        (RegistryError.connection("pull x", .untrusted("h", reason: "r")), "/etc/containers/certs.d/h/ca.crt", .failed),
        (RegistryError.unauthorized("pull x", host: "h", hadCredentials: true), "thaw login h", .failed),
        (RegistryError.denied("pull x", host: "h", reason: ""), "thaw login h", .failed),
        (RegistryError.busy("pull x", host: "h", status: 429, retryAfter: 9), "a higher limit", .failed),
        (RegistryError.notFound("pull x", reason: ""), "thaw list-tags", .failed),
        (RegistryError.malformedFile("f", reason: "r"), nil, .usage),
        (RegistryError.helperMissing("h"), nil, .unmeasurable),
        (RegistryError.notStored("pull x", SystemError("write", nil, .noSpace)), "thaw prune", .failed),
        (ProjectError.unknownKeys("f", []), nil, .usage),
        (ColdStartError.emulatorMissing("qemu"), "apt-get install qemu-system-x86", .unmeasurable),
        (ColdStartError.noEntrypoint, nil, .failed), (ColdStartError.cancelled, nil, .interrupted),
        (ProbeError.malformed("x", reason: "r"), nil, .usage),
        (SystemError("open", nil, .readOnlyFileSystem), "--store", .failed),
        (SystemError("mount", nil, .notPermitted), "run thaw as root", .unmeasurable),
        (UserNamespaceError.missing, "run thaw as root", .unmeasurable),
        (UnenforcedLimit(limit: .memory, substitute: nil), "control group", .unmeasurable),
        (SandboxError.notPrivileged, "run thaw as root", .unmeasurable), (SandboxError.malformedCommand, nil, .failed),
        (BuildError.noDockerfile("x", others: []), "-f FILE", .usage),
        (BuildError.noDockerfile("x", others: ["a/Dockerfile"]), "name one with -f: a/Dockerfile", .usage),
        (BuildError.sourceNotFound("../a"), "nothing above the context can be copied", .failed),
        (BuildError.noContext("x"), nil, .usage),
        (BuildError.noProgram("git", package: "git"), "apt-get install git", .unmeasurable),
        (BuildError.baseNotFound("b", at: place), "thaw load", .failed),
    ]

    @Test("Each error has its remedy and status", arguments: errors.indices)
    func report(index: Int) {
        let (error, remedy, status) = Self.errors[index]
        let failure = Failure(error)
        #expect(failure.status == status, "\(error)")
        if let remedy { #expect(failure.remedy?.contains(remedy) == true, "\(error): \(failure.remedy ?? "none")") }
        if remedy == nil { #expect(failure.remedy == nil, "\(error)") }
    }

    @Test("A failed step has the remedy and status of its cause, and its own place", arguments: errors.indices)
    func step(index: Int) {
        let (error, _, _) = Self.errors[index]
        guard !(error is Failure), !(error is CancellationError) else { return }
        let (alone, step) = (Failure(error), Failure(BuildError.stepFailed(error, at: Self.place)))
        #expect(step.message == "Dockerfile:3: \(error)")
        #expect(step.remedy == alone.remedy)
        // The place of a context inside a step is part of the Dockerfile, not of the command line.
        if case BuildError.noContext = error {
            #expect(step.status == .failed)
        } else {
            #expect(step.status == alone.status)
        }
    }
}
