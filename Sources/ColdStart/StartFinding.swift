internal import Guest
internal import Linux

/// A fact about a start that passed and that keeps an image from working elsewhere.
public struct StartFinding: Sendable, Equatable {
    /// The name of the kind, for machines.
    public let id: String
    /// The fact and its cure, for people.
    public let message: String

    private static func loopbackOnly(_ port: UInt16) -> StartFinding {
        StartFinding(
            id: "loopback-only",
            message: "port \(port) listens on the loopback address only, so no platform reaches it; "
                + "listen on 0.0.0.0")
    }

    /// The finding about an end that takes until SIGKILL; nil for a program that ends by itself.
    init?(_ termination: Message.Termination) {
        id = "ignores-sigterm"
        switch termination {
        case .ended: return nil
        case .unhandled:
            message =
                "the program has no handler for SIGTERM, which PID 1 of a container then ignores, so that it runs "
                + "until SIGKILL; add a handler, or start it with tini"
        case .running(let milliseconds):
            let time = Duration.text(milliseconds: Double(milliseconds))
            message = "the program still ran \(time) after SIGTERM, so it runs until SIGKILL; end it in its handler"
        }
    }

    /// The finding about a port that accepts connections long before a response; nil below a quarter of the start.
    ///
    /// - Parameters:
    ///   - phases: the phases of the start with their milliseconds.
    init?(lateResponseOn port: UInt16, _ phases: [(name: Phase.PhaseName, milliseconds: Double)]) {
        func time(_ name: Phase.PhaseName) -> Double? { phases.first { $0.name == name }?.milliseconds }
        guard let exec = time(.exec), let listen = time(.listen), let wait = time(.firstByte),
            wait >= StartFinding.leastWait, wait >= (exec + listen + wait) / 4
        else { return nil }
        id = "late-response"
        message =
            "port \(port) accepted connections \(Duration.text(milliseconds: wait)) before the first good "
            + "response; do this work before the port opens, or in the build"
    }

    private init(id: String, message: String) { (self.id, self.message) = (id, message) }

    /// The shortest wait for a response that is a finding, in milliseconds.
    private static let leastWait = 100.0

    /// Returns the findings about a start that passed.
    static func all(_ session: GuestSession, _ phases: [(name: Phase.PhaseName, milliseconds: Double)])
        -> [StartFinding]
    {
        var findings: [StartFinding] = []
        if let port = session.probe.port {
            let listeners = (session.listeners ?? []).filter { $0.port == port }
            if !listeners.isEmpty, listeners.allSatisfy(\.isLoopback) { findings.append(loopbackOnly(port)) }
        }
        if case .http(let probe) = session.probe, let finding = StartFinding(lateResponseOn: probe.port, phases) {
            findings.append(finding)
        }
        if let finding = session.termination.flatMap({ StartFinding($0) }) { findings.append(finding) }
        return findings
    }
}
