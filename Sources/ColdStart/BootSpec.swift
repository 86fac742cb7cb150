internal import Guest
internal import Probe

extension BootSpec {
    /// Makes the boot spec of a scenario.
    init(_ scenario: Scenario, in runtime: Runtime, channel: String) {
        let timeout = scenario.timeout.milliseconds
        self.init(
            runtime: runtime, channel: Array(channel.utf8), hostname: Array(scenario.hostname.utf8),
            arguments: scenario.arguments.map { Array($0.utf8) },
            environment: scenario.environment.map { Array($0.utf8) },
            workingDirectory: Array(scenario.workingDirectory.utf8), user: Array(scenario.user.utf8),
            probe: scenario.probe, timeoutMilliseconds: timeout)
        checksTermination = scenario.checksTermination
        recordsStart = scenario.recordsStart && runtime == .machine && scenario.probeSet == nil
        guard let probeSet = scenario.probeSet else { return }
        probe = probeSet.readinessProbe
        probeSpecs = probeSet.specs(timeoutMilliseconds: timeout)
        (quietMilliseconds, continueMilliseconds) = (
            probeSet.settle.quiet.milliseconds, probeSet.settle.least.milliseconds
        )
        keepsRunning = probeSet.actions.contains { $0.isPattern }
        // In a container the host follows opened files itself; init does so only in a machine.
        recordsOpenedFiles = probeSet.recordsOpenedFiles && runtime == .machine
    }
}

extension Duration {
    /// Whole milliseconds, at most a day.
    var milliseconds: UInt32 {
        let (seconds, attoseconds) = components
        return UInt32(clamping: min(seconds, 86_400) * 1_000 + attoseconds / 1_000_000_000_000_000)
    }

    /// The same in nanoseconds.
    var nanoseconds: UInt64 { UInt64(milliseconds) * 1_000_000 }
}
