internal import Guest
public import Linux
public import Probe
internal import Sandbox
public import SystemPackage

/// The reason why a start could not be measured.
public enum ColdStartError: ReportableError, Sendable, Equatable {
    /// The image has no entrypoint and no command.
    case noEntrypoint
    /// A scenario that no engine can run.
    case impossibleScenario(String)

    /// QEMU is not installed.
    case emulatorMissing(String)
    /// This host runs no virtual machines, or none like this.
    case machineUnavailable(String)
    /// There is no kernel, and none could be downloaded.
    case kernelMissing(reason: String)
    /// The small kernel was not built in this directory.
    case kernelNotBuilt(FilePath)
    /// A kernel from the user that can't be read.
    case unreadableKernel(FilePath, Errno)
    /// A file that is not a Linux kernel.
    case notAKernel(FilePath)
    /// The guest's init is not at its usual paths.
    case initialProgramMissing([FilePath])
    /// The kernel lacks a module that the guest needs.
    case moduleMissing(String, release: String)
    /// The kernel has no modules here, and a driver that the guest needs is not built in.
    case driverMissing(String)
    /// A required program of the host can't be run.
    case toolFailed(String, reason: String)
    /// A file could not be read or created.
    case file(String, FilePath?, Errno)
    /// The emulator ended before the guest's first message.
    case emulatorFailed(reason: String)
    /// The container could not be created.
    case containerFailed(reason: String)

    /// The guest's kernel panicked.
    case panicked(line: String)
    /// The guest sent no message.
    case silent(after: Duration, lastLine: String?)
    /// The guest switched its machine off, or reset it, before the probe passed.
    case lost(lastLine: String?)
    /// The emulator crashed, or was killed, before the probe passed.
    case emulatorEnded(how: String, lastLine: String?)
    /// The guest sent no result until the host's deadline, which is later than init's own.
    case stalled(after: Duration, processorTime: Duration?, lastEvent: String, lastLine: String?)
    /// The guest reported a passed probe without the times that belong to it.
    case incompleteReport(lastEvent: String)
    /// Init could not prepare the guest.
    case guestFailed(stage: String, subject: String, reason: String)
    /// The entrypoint does not exist, or is not executable.
    case notExecutable(String, reason: String)
    /// The image has no such user or group.
    case unknownUser(String)
    /// The entrypoint ended before the probe passed.
    case ended(how: String, lastLine: String?)
    /// The entrypoint ended right after the probe had passed; the program that answered is in the background.
    case endedAfterProbe(how: String)
    /// The kernel killed processes of the image for lack of memory, before the probe passed.
    case outOfMemory(MemorySize?)
    /// This host can't enforce a requested limit.
    case limitNotKept(String)
    /// The timeout passed before the probe did.
    case notServing(ProbeAction, last: String, after: Duration, lastLine: String?)
    /// Two starts whose figures can't be compared, since this member of their fingerprints differs.
    case unlikeStarts(String)
    /// The measurement was cancelled.
    case cancelled

    /// The kind of this error.
    public var kind: FailureKind {
        switch self {
        case .impossibleScenario, .notAKernel, .unreadableKernel: .usage
        case .emulatorMissing, .machineUnavailable, .kernelMissing, .kernelNotBuilt, .initialProgramMissing,
            .moduleMissing, .driverMissing, .toolFailed, .file, .emulatorFailed, .containerFailed, .silent,
            .limitNotKept, .unlikeStarts, .emulatorEnded, .stalled, .incompleteReport:
            .machine
        case .noEntrypoint, .panicked, .lost, .guestFailed, .notExecutable, .unknownUser, .ended, .notServing,
            .outOfMemory, .endedAfterProbe:
            .work
        case .cancelled: .interrupted
        }
    }

    /// The error in one sentence.
    public var description: String {
        switch self {
        case .noEntrypoint: "the image has neither ENTRYPOINT nor CMD, so there is nothing to start"
        case .impossibleScenario(let reason): "this start is impossible: \(reason)"
        case .emulatorMissing(let program): "\(program) is not installed"
        case .machineUnavailable(let reason): reason
        case .kernelMissing(let reason): "there is no kernel to boot: \(reason)"
        case .kernelNotBuilt(let directory): "there is no small kernel in '\(directory)'"
        case .unreadableKernel(let path, let errno): "kernel '\(path)' cannot be read: \(errno)"
        case .notAKernel(let path): "'\(path)' is not a Linux kernel: it contains no Linux version"
        case .initialProgramMissing(let places):
            "the guest's init is missing; it was expected at \(places.map { "'\($0)'" }.joined(separator: ", "))"
        case .moduleMissing(let name, let release): "kernel \(release) has no module '\(name)'"
        case .driverMissing(let name): "the kernel has no driver '\(name)', which the guest needs for its disk"
        case .toolFailed(let tool, let reason): "\(tool) failed: \(reason)"
        case .file(let operation, let path, let errno):
            "cannot \(operation)\(path.map { " '\($0)'" } ?? ""): \(errno)"
        case .emulatorFailed(let reason): "QEMU did not start the machine: \(reason)"
        case .containerFailed(let reason): "the container did not start: \(reason)"
        case .panicked(let line): "the guest's kernel panicked: \(line)"
        case .silent(let time, let line): "the guest sent no message within \(time.text)\(quoted(line))"
        case .lost(let line):
            "the guest switched its machine off, or reset it, before the probe passed\(quoted(line))"
        case .emulatorEnded(let how, let line): "QEMU \(how) before the probe passed\(quoted(line))"
        case .stalled(let time, let used, let event, let line):
            "the guest sent no result within \(time.text)"
                + (used.map { ", in which QEMU used \($0.text) of processor time" } ?? "")
                + "; its last event: \(event)\(quoted(line))"
        case .incompleteReport(let event):
            "the guest reported a passed probe, but messages before it are missing; the last event: \(event)"
        case .guestFailed(let stage, let subject, let reason):
            "the guest cannot \(stage)\(subject.isEmpty ? "" : " '\(subject)'"): \(reason)"
        case .notExecutable(let program, let reason): "the entrypoint '\(program)' cannot be run: \(reason)"
        case .unknownUser(let user): "user '\(user)' is not in the image's /etc/passwd and /etc/group"
        case .ended(let how, let line): "the entrypoint \(how) before the probe passed\(quoted(line))"
        case .endedAfterProbe(let how): "the entrypoint \(how), and a container ends with it"
        case .outOfMemory(let memory): "the program ran out of memory" + (memory.map { " (\($0))" } ?? "")
        case .limitNotKept(let reason): reason
        case .notServing(let probe, let last, let time, let line):
            "probe \(probe) did not pass within \(time.text): \(last)\(quoted(line))"
        case .unlikeStarts(let difference): "the starts can't be compared, since they differ in \(difference)"
        case .cancelled: "the measurement was interrupted"
        }
    }

    /// The remedy, if one is known.
    public var remedy: String? {
        switch self {
        case .toolFailed("passt", _): "install it with: apt-get install passt"
        case .endedAfterProbe, .ended("ended with status 0", _):
            "start the server in the foreground, as the entrypoint or with exec"
        case .notExecutable:
            "check its path and mode; a script's first line must name a program of the image, and end in LF, not CR LF"
        case .outOfMemory: "give it more with --memory"
        case .emulatorMissing: "install it with: apt-get install qemu-system-x86"
        case .machineUnavailable: "use --engine qemu or --engine container here"
        case .kernelMissing: "install one with: apt-get install linux-image-cloud-amd64"
        case .kernelNotBuilt: "build it with: make kernel"
        case .driverMissing:
            "give a kernel with lib/modules/RELEASE beside its directory, or one with the driver built in"
        case .containerFailed: UserNamespace.refusalRemedy ?? UserNamespace.singleUserRemedy
        case .initialProgramMissing: "build it with: swift build --product thaw-init"
        default: nil
        }
    }
}

/// The clause about the last line of a text; empty if there is none.
func quoted(_ line: String?) -> String { line.map { "; its last line was: \($0)" } ?? "" }

extension Message.StartStep {
    /// Init's action, for a sentence after "cannot".
    var words: String {
        switch self {
        case .bootSpec: "read its boot spec"
        case .module: "load module"
        case .disk: "find the root disk"
        case .mount: "mount"
        case .user: "find user"
        case .workingDirectory: "enter the working directory"
        case .identity: "take the identity of the user"
        case .execute: "run"
        case .probe: "run the probing command"
        case .network: "configure network card"
        case .proxy: "listen for the host on port"
        case .memory: "go on: no memory is left"
        }
    }
}
