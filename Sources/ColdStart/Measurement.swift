/// What starting an image came to.
public struct Measurement: Sendable {
    /// The engine that ran it; figures of different engines are not comparable.
    public let engine: String
    /// Whether the guest ran on the processor itself.
    public let isAccelerated: Bool
    /// Why it was not accelerated, in one sentence.
    public let accelerationNote: String?
    /// The guest's kernel, where it had one of its own.
    public let kernelRelease: String?
    /// What costs time at every start for the kernel's sake, in one sentence.
    public let kernelRemark: String?
    /// The emulator's name and version.
    public let emulator: String?
    /// What had to pass.
    public let probe: Probe
    /// The phases that occurred, in their order.
    public let phases: [Phase]
    /// Milliseconds from the start of the machine, or of the container, to the first byte of the answer.
    public let timeToFirstRequest: Statistics
    /// How many instructions the guest ran until then; only a deterministic machine counts them.
    public let guestInstructions: InstructionCount?
    /// How often the guest needed the host's program; only `kvm` counts.
    public let exits: Statistics?
    /// The most memory that the host's program held beyond the guest's, in bytes; only `kvm` knows.
    public let overheadBytes: UInt64?
    /// How many pages the host had to bring in until then; only starts from a snapshot count them.
    public let pageFaults: Statistics?
    /// How often the guest read its disk until its probe passed; only `kvm` counts, where the disk is not memory.
    public let diskReads: Statistics?
    /// How many bytes that were: what a start needs of the image.
    public let diskBytesRead: Statistics?
    /// What a client outside of the machine saw; only `kvm` asks from there, and only by HTTP.
    public let hostProbe: HostView?
    /// The answer that passed an HTTP probe, in the last run.
    public let response: Response?
    /// What was answered in the last run's interview, where there was one.
    public let hearing: Hearing?
    /// The most memory the entrypoint held at once, over all runs.
    public let peakGuestMemoryBytes: UInt64?
    /// Sentences for people about limits that are kept by weaker means than a control group.
    public internal(set) var notes: [String] = []
    /// What the console showed and the entrypoint wrote in the last run, the end of it if it was long.
    public let console: String

    /// How many runs were measured.
    public var runs: Int { timeToFirstRequest.samples.count }
}

/// One part of a start, from the end of the phase before it to the moment that it is named after.
public struct Phase: Sendable, Equatable {
    /// The parts in their order.
    public enum Name: String, Sendable, CaseIterable {
        /// A snapshot is mapped, and the processors run on.
        case restore
        /// The emulator sets up, the firmware runs and the kernel is unpacked.
        case vmm
        /// The kernel starts, until init runs.
        case kernel
        /// Init makes the machine ready: modules, root file system, devices.
        case `init`
        /// Init's child takes the user's identity and becomes the entrypoint.
        case exec
        /// The entrypoint runs until its port accepts connections.
        case listen
        /// From there to the first byte of the answer.
        case firstByte
    }

    /// Which part.
    public let name: Name
    /// How long it took in each run.
    public let milliseconds: Statistics
}

/// An HTTP answer.
public struct Response: Sendable, Equatable {
    /// The status code.
    public let status: Int
    /// The body's length.
    public let byteCount: UInt64
}

/// How much work a start was, counted exactly.
public struct InstructionCount: Sendable, Equatable {
    /// The counts of the runs.
    public let samples: [UInt64]

    /// The middle count.
    public var median: UInt64 { samples.sorted()[samples.count / 2] }

    /// How far the counts lie apart, as a share of the median: 0 when every run did the same work.
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

    /// Starts the scenario as many times as it says, one after the other.
    func measure(_ scenario: Scenario) async throws(ColdStartError) -> Measurement
}
