/// The probes and commands to run once a program serves, so that its responses can be compared with another's.
///
/// A start with them is not a measurement: opened files may be followed meanwhile, which costs time.
public struct ProbeSet: Sendable {
    /// The probes, then the commands: the order of the results.
    public let actions: [ProbeAction]
    /// The number of probes, which have to pass; the commands after them may end with any exit status.
    public let probeCount: Int
    /// True if opened files are recorded.
    public var recordsOpenedFiles: Bool
    /// The time that the program runs on after the last of them.
    public var settle = SettleTime()

    /// A set of probes; a pattern is matched against the program's whole output.
    public init(probes: [ProbeAction], commands: [ProbeAction] = [], recordsOpenedFiles: Bool = false) {
        actions = probes + commands
        probeCount = probes.count
        self.recordsOpenedFiles = recordsOpenedFiles
    }

    /// The probe that shows that the program serves: the first one that init can try; `nil` to start at once.
    public var readinessProbe: ProbeAction? { actions.prefix(probeCount).first { !$0.isPattern } }

    /// The places among all results of the probes and commands that init tries, in its order.
    public var triedPlaces: [Int] { actions.indices.filter { !actions[$0].isPattern } }

    /// Returns the probes and commands for init, in its order.
    public func specs(timeoutMilliseconds: UInt32) -> [ProbeSpec] {
        triedPlaces.map {
            ProbeSpec(actions[$0], mustPass: $0 < probeCount, timeoutMilliseconds: timeoutMilliseconds)
        }
    }

    /// True if a result of the action at that place is what the set requires.
    public func accepts(_ result: ProbeResult, at place: Int) -> Bool {
        place < probeCount ? actions[place].accepts(result.outcome) : result.outcome.isEnded
    }
}
