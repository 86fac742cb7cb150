internal import Guest

/// What a program is asked once it serves, so that its answers can be held against another's.
///
/// A start with an interview is not for figures: files may be followed meanwhile, which costs time.
public struct Interview: Sendable {
    /// What has to pass, in the order in which it is asked; a pattern is looked for in all that the program writes.
    public let probes: [Probe]
    /// Commands in the image, run without a shell, of which any end is an answer.
    public let commands: [[String]]
    /// Whether the files that are opened are of interest.
    public let observes: Bool

    /// An interview.
    public init(probes: [Probe], commands: [[String]] = [], observes: Bool = false) {
        self.probes = probes
        self.commands = commands
        self.observes = observes
    }

    /// What tells that the program serves: the first probe that can be tried. Without one, it is asked at once.
    public var readiness: Probe? { probes.first { !$0.isPattern } }
}

extension Interview {
    /// A question that init asks, with its place among all.
    struct Question: Equatable {
        let place: Int
        let probe: Probe
        let mustPass: Bool
    }

    /// How many answers there are.
    var count: Int { probes.count + commands.count }

    /// The questions that init asks, in its order.
    var asked: [Question] {
        let tried = probes.enumerated().filter { !$0.element.isPattern }
        return tried.map { Question(place: $0.offset, probe: $0.element, mustPass: true) }
            + commands.enumerated().map { index, words in
                Question(place: probes.count + index, probe: .exec(words), mustPass: false)
            }
    }

    /// What is looked for in the output, with its place among all.
    var patterns: [(place: Int, pattern: String)] {
        probes.enumerated().compactMap { index, probe in
            if case .log(let pattern) = probe { (index, pattern) } else { nil }
        }
    }

    /// Refuses what init cannot do.
    func validate() throws(ColdStartError) {
        guard count > 0 else { throw .impossibleScenario("an interview needs a question") }
        guard count <= Orders.questionLimit else {
            throw .impossibleScenario("more than \(Orders.questionLimit) questions cannot be asked")
        }
        for words in commands {
            guard words.first?.isEmpty == false, !words.contains(where: { $0.utf8.contains(0) }) else {
                throw .impossibleScenario("a command has a name, and no zero bytes")
            }
        }
    }
}

extension Probe {
    /// Whether it is looked for in what the program writes, and never tried.
    public var isPattern: Bool { if case .log = self { true } else { false } }
}
