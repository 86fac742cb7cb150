internal import Guest

/// The probes and commands to run once a program serves, so that its responses can be compared with another's.
///
/// A start with an interview is not a measurement: opened files may be followed meanwhile, which costs time.
public struct ProbeSet: Sendable {
    /// The probes that have to pass, in order; a pattern is matched against the program's whole output.
    public let probes: [ProbeAction]
    /// Commands in the image, run without a shell, with any exit status.
    public let commands: [[String]]
    /// True if opened files are recorded.
    public let recordsOpenedFiles: Bool

    /// An interview.
    public init(probes: [ProbeAction], commands: [[String]] = [], recordsOpenedFiles: Bool = false) {
        self.probes = probes
        self.commands = commands
        self.recordsOpenedFiles = recordsOpenedFiles
    }

    /// The probe that shows that the program serves: the first one that init can try; `nil` to start at once.
    public var readinessProbe: ProbeAction? { probes.first { !$0.isPattern } }
}

extension ProbeSet {
    /// A probe or command for init, with its index among all.
    struct ProbeSpec: Equatable {
        let place: Int
        let action: ProbeAction
        let mustPass: Bool
    }

    /// The number of results.
    var count: Int { probes.count + commands.count }

    /// The probes and commands for init, in its order.
    var guestProbes: [ProbeSpec] {
        let tried = probes.enumerated().filter { !$0.element.isPattern }
        return tried.map { ProbeSpec(place: $0.offset, action: $0.element, mustPass: true) }
            + commands.enumerated().map { index, words in
                ProbeSpec(place: probes.count + index, action: .exec(words), mustPass: false)
            }
    }

    /// The patterns for the output, with their index among all.
    var patterns: [(place: Int, pattern: String)] {
        probes.enumerated().compactMap { index, action in
            if case .log(let pattern) = action { (index, pattern) } else { nil }
        }
    }

    /// Fails for an interview that init can't run.
    func validate() throws(ColdStartError) {
        guard count > 0 else { throw .impossibleScenario("an interview needs a probe or a command") }
        guard count <= BootSpec.probeLimit else {
            throw .impossibleScenario("more than \(BootSpec.probeLimit) probes and commands are not supported")
        }
        for words in commands {
            guard words.first?.isEmpty == false, !words.contains(where: { $0.utf8.contains(0) }) else {
                throw .impossibleScenario("a command needs a program name, and must not contain zero bytes")
            }
        }
    }
}

extension ProbeAction {
    /// True if it is matched against the program's output, and never tried.
    public var isPattern: Bool { if case .log = self { true } else { false } }
}
