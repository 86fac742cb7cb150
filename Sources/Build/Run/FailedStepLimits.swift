public import Linux
internal import Sandbox

extension FailedStep {
    /// The limits of a step, and its names of hosts.
    struct Limits: Codable, Sendable {
        private let processes: Int?
        private let isProcessLimitRequested: Bool
        private let memory: Int64?
        private let swap: SwapLimit?
        private let cpuCount: Double?
        private let cpus: CPULimits
        private let others: [Limit]
        private let hosts: [HostEntry]
        private let sharedMemorySize: Int?

        init(_ options: BuildRequest.RunOptions) {
            (processes, isProcessLimitRequested) = (options.processLimit, options.isProcessLimitRequested)
            (memory, swap) = (options.memoryLimit, options.swapLimit)
            (cpuCount, cpus) = (options.cpuCount, options.cpus)
            (others, hosts, sharedMemorySize) = (options.limits, options.hosts, options.sharedMemorySize)
        }

        func apply(to options: inout BuildRequest.RunOptions) {
            (options.processLimit, options.isProcessLimitRequested) = (processes, isProcessLimitRequested)
            (options.memoryLimit, options.swapLimit) = (memory, swap)
            (options.cpuCount, options.cpus) = (cpuCount, cpus)
            (options.limits, options.hosts, options.sharedMemorySize) = (others, hosts, sharedMemorySize)
        }
    }
}

/// An error of a debug session.
public enum DebugError: ReportableError, Sendable {
    /// The command took longer than its time limit.
    case timedOut(Duration)

    public var description: String {
        switch self {
        case .timedOut(let limit): "the command did not end within \(limit.optionText)"
        }
    }

    /// The command failed.
    public var kind: FailureKind { .work }
}
