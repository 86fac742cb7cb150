internal import Guest

extension Orders {
    /// Makes the boot spec of a scenario.
    init(_ scenario: Scenario, in place: Place, channel: String) {
        self.init(
            place: place, channel: Array(channel.utf8), hostname: Array(scenario.hostname.utf8),
            arguments: scenario.arguments.map { Array($0.utf8) },
            environment: scenario.environment.map { Array($0.utf8) },
            workingDirectory: Array(scenario.workingDirectory.utf8), user: Array(scenario.user.utf8),
            probe: Orders.Probe(scenario.probe), timeoutMilliseconds: scenario.timeout.milliseconds)
        guard let interview = scenario.interview else { return }
        probe = interview.readiness.map(Orders.Probe.init) ?? .none
        questions = interview.asked.map { Question(Orders.Probe($0.probe), mustPass: $0.mustPass) }
        lingers = !interview.patterns.isEmpty
        // In a container the host follows opened files itself; init does so only in a machine.
        observes = interview.observes && place == .machine
    }
}

extension Orders.Probe {
    /// Makes init's probe; the host matches a `log:` pattern, so init has nothing to do for it.
    init(_ probe: Probe) {
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
