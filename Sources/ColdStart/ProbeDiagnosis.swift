internal import Guest
internal import Linux
internal import Probe

/// The reason why a probe did not pass, from its last attempt and from the ports with a listener.
extension GuestSession {
    /// The reason for people; it ends a sentence.
    func diagnosis(timeout: Duration) -> String {
        switch (probe, lastAttempt) {
        case (.log, _): "no line matched"
        case (_, .http(let status, _)): "the last response had status \(status)\(beginning)"
        case (_, .lacksText(let status)):
            "the last response had status \(status), and lacked the wanted text\(beginning)"
        case (.http(let probe), .refused): nothingListens(on: probe.port)
        case (.tcp(let port), .refused): nothingListens(on: port)
        case (.http(let probe), .silent):
            "port \(probe.port) accepted\(acceptance), no answer within \(timeout.text)"
        case (_, .unfinishedHead): "header without end"
        case (_, .unfinishedBody(let status, let byteCount)):
            "status \(status), body without end (\(ByteCount(Int64(byteCount))) so far)"
        case (_, .broken): "the connection closed before the response was complete"
        case (_, .ended(let exitStatus)): "the command \(exitStatus.words)"
        case (.exec, _): "the command did not end"
        default: "there was no response"
        }
    }

    private func nothingListens(on port: UInt16) -> String {
        let others = Set((listeners ?? []).map(\.port)).sorted().filter { $0 != port }
        let ports = others.map(String.init).joined(separator: ", ")
        return "nothing listens on port \(port)" + (others.isEmpty ? "" : ", but on \(ports)")
    }

    private var acceptance: String {
        guard let accepted = marks[.listening]?.host, accepted >= start else { return "" }
        return " after \(Duration.text(milliseconds: Double(accepted - start) / 1e6))"
    }

    private var beginning: String {
        var words = Transcript()
        words.append(excerpt)
        return words.lastLines(Message.excerptLimit).first.map { ": \($0)" } ?? ""
    }
}

extension ProbeAction {
    /// The TCP port of the probe; nil for one without.
    var port: UInt16? {
        switch self {
        case .http(let probe): probe.port
        case .tcp(let port): port
        case .exec, .log: nil
        }
    }
}
