internal import Guest

extension BootSpec {
    /// Makes the boot spec of a scenario.
    init(_ scenario: Scenario, in runtime: Runtime, channel: String) {
        self.init(
            runtime: runtime, channel: Array(channel.utf8), hostname: Array(scenario.hostname.utf8),
            arguments: scenario.arguments.map { Array($0.utf8) },
            environment: scenario.environment.map { Array($0.utf8) },
            workingDirectory: Array(scenario.workingDirectory.utf8), user: Array(scenario.user.utf8),
            probe: BootSpec.ProbeAction(scenario.probe), timeoutMilliseconds: scenario.timeout.milliseconds)
        guard let probeSet = scenario.probeSet else { return }
        probe = probeSet.readinessProbe.map(BootSpec.ProbeAction.init) ?? .none
        probeSpecs = probeSet.guestProbes.map { ProbeSpec(BootSpec.ProbeAction($0.action), mustPass: $0.mustPass) }
        keepsRunning = !probeSet.patterns.isEmpty
        // In a container the host follows opened files itself; init does so only in a machine.
        recordsOpenedFiles = probeSet.recordsOpenedFiles && runtime == .machine
    }
}

extension BootSpec.ProbeAction {
    /// Makes init's probe; the host matches a `log:` pattern, so init has nothing to do for it.
    init(_ probe: ProbeAction) {
        self =
            switch probe {
            case .http(let port, let path): .http(port: port, path: Array(path.utf8))
            case .tcp(let port): .tcp(port: port)
            case .exec(let words): .command(words.map { Array($0.utf8) })
            case .log: .none
            }
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
