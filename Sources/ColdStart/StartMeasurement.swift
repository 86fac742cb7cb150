public import Probe

/// The result of starting an image.
public struct StartMeasurement: Sendable {
    /// The engine that ran it; figures of different engines are not comparable.
    public let engine: String
    /// True if the guest ran on the processor itself.
    public let isAccelerated: Bool
    /// The reason why it was not accelerated, in one sentence.
    public let accelerationNote: String?
    /// The release of the guest's kernel; `nil` in a container.
    public let kernelRelease: String?
    /// A cause of extra time at every start with this kernel, in one sentence.
    public let kernelRemark: String?
    /// The emulator's name and version.
    public let emulator: String?
    /// The probe that had to pass.
    public let probe: ProbeAction
    /// The phases that occurred, in order.
    public let phases: [Phase]
    /// The time from the start of the machine, or of the container, to the first byte of the response, in milliseconds.
    public let timeToFirstRequest: Statistics
    /// The work and the waiting until the first byte; only a deterministic machine counts them.
    public let work: WorkSummary?
    /// The number of exits to user space; only `kvm` counts them.
    public let exits: Statistics?
    /// The peak memory of the machine's process beyond the guest's, in bytes; only `kvm` reports it.
    public let overheadBytes: UInt64?
    /// The host's page faults until the first byte; only starts from a snapshot count them.
    public let pageFaults: Statistics?
    /// The guest's disk reads until its probe passed; only `kvm` counts them, if the disk is not memory.
    public let diskReads: Statistics?
    /// The bytes of those reads: the part of the image that a start needs.
    public let diskBytesRead: Statistics?
    /// The view of a client outside of the machine; only `kvm` makes that request, and only for an HTTP probe.
    public let hostProbe: HostProbeSummary?
    /// The response that passed an HTTP probe, in the last run.
    public let response: ProbeResponse?
    /// The results of all probes of the last run, if it had an ``ProbeSet``.
    public let probeResults: ProbeResults?
    /// The peak memory of the entrypoint in bytes, over all runs.
    public let peakGuestMemoryBytes: UInt64?
    /// The conditions of the runs.
    public var fingerprint = Fingerprint()
    /// Facts about the runs that keep the image from working elsewhere.
    public internal(set) var findings: [StartFinding] = []
    /// The time from SIGTERM to the program's end; nil if it was not checked, or did not end in time.
    public internal(set) var terminationMilliseconds: Double?
    /// The events of the last run, or of a run that was recorded.
    public var trace = StartTrace()
    /// Sentences for people about limits that are enforced by weaker means than a control group.
    public internal(set) var notes: [String] = []
    /// The console's and the entrypoint's output in the last run; only the end of it if it was long.
    public let console: String
    /// The figures of each run, to combine measurements.
    var figures: [StartFigures] = []

    /// The number of measured runs.
    public var runs: Int { timeToFirstRequest.samples.count }

    /// The time of the run with the median time, to which its phases add up.
    public var medianRunMilliseconds: Double { timeToFirstRequest.samples[timeToFirstRequest.medianRun] }
}

/// One phase of a start, from the end of the phase before it to the event that names it.
public struct Phase: Sendable, Equatable {
    /// The phases in order.
    public enum PhaseName: String, Sendable, CaseIterable {
        /// The snapshot is mapped, and the processors continue.
        case restore
        /// The emulator sets up, the firmware runs and the kernel is unpacked.
        case vmm
        /// The kernel boots, until init runs.
        case kernel
        /// Init prepares the machine: modules, root file system, devices.
        case `init`
        /// Init's child switches to the user and executes the entrypoint.
        case exec
        /// The entrypoint runs until its port accepts connections.
        case listen
        /// The entrypoint runs on until the first byte of the response.
        case firstByte
    }

    /// The name of the phase.
    public let name: PhaseName
    /// The duration in milliseconds in each run.
    public let milliseconds: Statistics
    /// The duration in the median run, so that the phases add up to its time; nil if that run lacks the phase.
    public var medianRunMilliseconds: Double?
}

/// An HTTP response.
public struct ProbeResponse: Sendable, Equatable {
    /// The status code.
    public let status: Int
    /// The body's length in bytes.
    public let byteCount: UInt64
}

extension ProbeResponse {
    /// The response of an attempt; `nil` if it got none.
    init?(_ attempt: ProbeResult.Outcome?) {
        guard case .http(let status, let byteCount) = attempt else { return nil }
        self.init(status: Int(status), byteCount: byteCount)
    }
}

/// The amount of work of a start, counted exactly.
public struct InstructionCount: Sendable, Equatable {
    /// The counts of the runs.
    public let samples: [UInt64]

    /// The median count.
    public var median: UInt64 { samples.sorted()[samples.count / 2] }

    /// The range of the counts as a share of the median: 0 if every run did the same work.
    public var spread: Double {
        let sorted = samples.sorted()
        guard let least = sorted.first, let most = sorted.last, median > 0 else { return 0 }
        return Double(most - least) / Double(median)
    }
}

/// Starts scenarios and measures them.
public protocol Engine: Sendable {
    /// The engine's name on the command line and in reports.
    var name: String { get }

    /// Starts the scenario as many times as it requests, one after the other.
    func measure(_ scenario: Scenario) async throws(ColdStartError) -> StartMeasurement
}
