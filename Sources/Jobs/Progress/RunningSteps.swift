internal import Linux

/// The running steps of a build, for the live lines of a terminal.
struct RunningSteps: Sendable {
    private struct RunningStep: Sendable {
        let name: String
        let text: String
        let began: ContinuousClock.Instant
        var lastLine: String?
    }

    private var steps: [RunningStep] = []
    private var began: ContinuousClock.Instant?
    private var finished = 0
    private var cached = 0

    /// Adds a step.
    mutating func begin(_ name: String, _ text: String, at now: ContinuousClock.Instant) {
        began = began ?? now
        steps.append(RunningStep(name: name, text: text, began: now))
    }

    /// Stores the last line that a step printed.
    mutating func setLastLine(of name: String, _ line: String) {
        guard let index = steps.firstIndex(where: { $0.name == name }) else { return }
        steps[index].lastLine = line
    }

    /// Removes a step; a cached one need not have begun.
    mutating func end(_ name: String, isCached: Bool) {
        steps.removeAll { $0.name == name }
        finished += 1
        cached += isCached ? 1 : 0
    }

    /// Returns the lines: the totals, and at most three steps, each with its time and the last line that it printed.
    func lines(at now: ContinuousClock.Instant) -> [String] {
        guard let began, !steps.isEmpty else { return [] }
        let more = steps.count > 3 ? ", \(steps.count - 3) not shown" : ""
        let done = "\(finished) done" + (cached > 0 ? " (\(cached) cached)" : "")
        let total = "\(steps.count) running\(more), \(done), \(Self.seconds(began, now))"
        return [total]
            + steps.prefix(3).flatMap { step in
                ["[\(step.name)] \(Self.seconds(step.began, now))  \(step.text)"]
                    + (step.lastLine.map { ["    \($0)"] } ?? [])
            }
    }

    private static func seconds(_ from: ContinuousClock.Instant, _ now: ContinuousClock.Instant) -> String {
        from.duration(to: now).wholeSeconds
    }
}

extension Duration {
    /// The time in whole seconds, so that a live line changes no more often than people read.
    public var wholeSeconds: String { components.seconds == 0 ? "0 s" : Duration.seconds(components.seconds).text }
}
