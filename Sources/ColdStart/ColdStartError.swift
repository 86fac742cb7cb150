internal import Guest
public import Linux
public import SystemPackage

/// Why a start could not be measured.
public enum ColdStartError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A probe that cannot be read.
    case malformedProbe(String, reason: String)
    /// The image says nothing to start.
    case noEntrypoint
    /// A scenario that no engine can run.
    case impossibleScenario(String)

    /// QEMU is not installed.
    case emulatorMissing(String)
    /// This machine runs no virtual machines, or none like this.
    case machineUnavailable(String)
    /// No kernel, and none could be fetched.
    case kernelMissing(reason: String)
    /// Nobody has built the small kernel that would lie in this directory.
    case kernelNotBuilt(FilePath)
    /// A kernel of one's own that cannot be read.
    case unreadableKernel(FilePath, Errno)
    /// A file that says of itself that it is something else, or nothing.
    case notAKernel(FilePath)
    /// The guest's init is not where it belongs.
    case initialProgramMissing([FilePath])
    /// The kernel lacks a module that the guest needs.
    case moduleMissing(String, release: String)
    /// The kernel has no modules here, and a driver that the guest needs is not built in.
    case driverMissing(String)
    /// A program of the machine that is needed on the way cannot be run.
    case toolFailed(String, reason: String)
    /// A file could not be read or made.
    case file(String, FilePath?, Errno)
    /// The emulator ended before the guest said anything.
    case emulatorFailed(reason: String)
    /// The container could not be made.
    case containerFailed(reason: String)

    /// The guest's kernel gave up.
    case panicked(line: String)
    /// The guest never said a word.
    case silent(after: Duration, lastLine: String?)
    /// The guest stopped talking before it was done.
    case lost(lastLine: String?)
    /// The guest could not be made ready.
    case guestFailed(stage: String, subject: String, reason: String)
    /// The entrypoint is not there, or is nothing that can run.
    case notExecutable(String, reason: String)
    /// The image knows no such user or group.
    case unknownUser(String)
    /// The entrypoint ended before the probe passed.
    case ended(how: String, lastLine: String?)
    /// The kernel killed processes of the image for lack of memory, before the probe passed.
    case outOfMemory(MemorySize?)
    /// This machine can't keep a limit that was asked for.
    case limitNotKept(String)
    /// The time was over and the probe had not passed.
    case notServing(Probe, last: String, after: Duration, lastLine: String?)
    /// Somebody cancelled the measurement.
    case cancelled

    /// What a caller does about an error, which is also what an exit status tells.
    public enum Kind: Sendable {
        /// The request makes no sense.
        case usage
        /// The image does not start.
        case work
        /// The machine lacks something.
        case machine
        /// Somebody stopped it.
        case interrupted
    }

    /// Whose fault it is.
    public var kind: Kind {
        switch self {
        case .malformedProbe, .impossibleScenario, .notAKernel, .unreadableKernel: .usage
        case .emulatorMissing, .machineUnavailable, .kernelMissing, .kernelNotBuilt, .initialProgramMissing,
            .moduleMissing, .driverMissing, .toolFailed, .file, .emulatorFailed, .containerFailed, .silent,
            .limitNotKept:
            .machine
        case .noEntrypoint, .panicked, .lost, .guestFailed, .notExecutable, .unknownUser, .ended, .notServing,
            .outOfMemory:
            .work
        case .cancelled: .interrupted
        }
    }

    /// One sentence.
    public var description: String {
        switch self {
        case .malformedProbe(let text, let reason): "probe '\(text)' cannot be read: \(reason)"
        case .noEntrypoint: "the image has neither ENTRYPOINT nor CMD, so there is nothing to start"
        case .impossibleScenario(let reason): "this start is impossible: \(reason)"
        case .emulatorMissing(let program): "\(program) is not installed"
        case .machineUnavailable(let reason): reason
        case .kernelMissing(let reason): "there is no kernel to boot: \(reason)"
        case .kernelNotBuilt(let directory): "there is no small kernel in '\(directory)'"
        case .unreadableKernel(let path, let errno): "kernel '\(path)' cannot be read: \(errno)"
        case .notAKernel(let path): "'\(path)' is no Linux kernel: no version of Linux is named in it"
        case .initialProgramMissing(let places):
            "the guest's init is at none of \(places.map { "'\($0)'" }.joined(separator: ", "))"
        case .moduleMissing(let name, let release): "kernel \(release) has no module '\(name)'"
        case .driverMissing(let name): "the kernel has no driver '\(name)', which the guest needs for its disk"
        case .toolFailed(let tool, let reason): "\(tool) failed: \(reason)"
        case .file(let operation, let path, let errno):
            "cannot \(operation)\(path.map { " '\($0)'" } ?? ""): \(errno)"
        case .emulatorFailed(let reason): "QEMU did not start the machine: \(reason)"
        case .containerFailed(let reason): "the container did not start: \(reason)"
        case .panicked(let line): "the guest's kernel panicked: \(line)"
        case .silent(let time, let line): "the guest never answered within \(seconds(time))\(quoted(line))"
        case .lost(let line): "the machine ended before the probe passed\(quoted(line))"
        case .guestFailed(let stage, let subject, let reason):
            "the guest cannot \(stage)\(subject.isEmpty ? "" : " '\(subject)'"): \(reason)"
        case .notExecutable(let program, let reason): "the entrypoint '\(program)' cannot be run: \(reason)"
        case .unknownUser(let user): "user '\(user)' is not in the image's /etc/passwd and /etc/group"
        case .ended(let how, let line): "the entrypoint \(how) before the probe passed\(quoted(line))"
        case .outOfMemory(let memory): "the program ran out of memory" + (memory.map { " (\($0))" } ?? "")
        case .limitNotKept(let reason): reason
        case .notServing(let probe, let last, let time, let line):
            "probe \(probe) did not pass within \(seconds(time)): \(last)\(quoted(line))"
        case .cancelled: "the measurement was interrupted"
        }
    }

    /// What to do about it, where that is known.
    public var remedy: String? {
        switch self {
        case .toolFailed("passt", _): "install it with: apt-get install passt"
        case .outOfMemory: "give it more by --memory"
        case .emulatorMissing: "install it with: apt-get install qemu-system-x86"
        case .machineUnavailable: "use --engine qemu or --engine container here"
        case .kernelMissing: "install one with: apt-get install linux-image-cloud-amd64"
        case .kernelNotBuilt: "build it with: make kernel"
        case .driverMissing:
            "give a kernel with lib/modules/RELEASE beside its directory, or one with the driver built in"
        case .initialProgramMissing: "build it with: swift build --product thaw-init"
        default: nil
        }
    }
}

private func quoted(_ line: String?) -> String { line.map { "; its last line was: \($0)" } ?? "" }

func seconds(_ time: Duration) -> String {
    let parts = time.components
    if parts.seconds == 0 { return "\(parts.attoseconds / 1_000_000_000_000_000) ms" }
    let tenths = parts.attoseconds / 100_000_000_000_000_000
    return tenths == 0 ? "\(parts.seconds) s" : "\(parts.seconds).\(tenths) s"
}

extension Message.Stage {
    /// What init was doing, after "cannot".
    var words: String {
        switch self {
        case .orders: "read its orders"
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
