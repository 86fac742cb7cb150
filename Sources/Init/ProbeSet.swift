import CInit

/// The response to the current probe so far.
struct PartialResult {
    /// The body of a response, or a command's stdout.
    var body = StreamHasher()
    /// A command's stderr.
    var stderr = StreamHasher()
    /// The status line and header fields of an HTTP response.
    var head: [UInt8] = []
    /// The end of the probe's command.
    var exitStatus: ProbeResult.ProcessEnd?
}

/// The probes of the boot spec: init runs one after the other, and sends each response with its digest.
extension Supervisor {
    /// The time for which a probe that must pass is repeated, in nanoseconds.
    private static let retryTime: UInt64 = 5_000_000_000
    private static let retryInterval: UInt64 = 100_000_000

    /// Runs all probes, and returns the verdict.
    ///
    /// If the program ends meanwhile, the remaining probes fail, which is a result too.
    mutating func runProbes() -> Message.StopCause {
        for index in spec.probeSpecs.indices { runProbe(index) }
        if spec.quietMilliseconds > 0 || spec.continueMilliseconds > 0 {
            settle()
            channel.send(.probeEvent(.processes(livingProcesses())))
        }
        observer?.drain(to: channel)
        channel.send(.probeEvent(.listening(listening(listenersNow().map { $0.port }))))
        guard spec.keepsRunning else { return .passed }
        let deadline = cinit_monotonic() &+ nanoseconds(spec.timeoutMilliseconds)
        while exitStatus == nil {
            guard cinit_monotonic() < deadline else { return .timedOut }
            wait(until: deadline)
        }
        return .ended
    }

    private func nanoseconds(_ milliseconds: UInt32) -> UInt64 { UInt64(milliseconds) * 1_000_000 }

    private mutating func runProbe(_ index: Int) {
        let probe = spec.probeSpecs[index]
        let began = cinit_monotonic()
        var outcome = ProbeResult.Outcome.timedOut
        while true {
            partialResult = PartialResult()
            outcome = tryOnce(probe.action, until: began &+ nanoseconds(probe.timeoutMilliseconds))
            guard probe.mustPass, !probe.action.accepts(outcome), !outcome.isTimeOver, exitStatus == nil,
                cinit_monotonic() < began &+ Supervisor.retryTime
            else { break }
            pauseBeforeRetry()
        }
        report(outcome, of: UInt16(truncatingIfNeeded: index))
        partialResult = nil
    }

    private mutating func pauseBeforeRetry() {
        let end = cinit_monotonic() &+ Supervisor.retryInterval
        while cinit_monotonic() < end { wait(until: end) }
    }

    private mutating func tryOnce(_ probe: ProbeAction, until deadline: UInt64) -> ProbeResult.Outcome {
        switch probe {
        case .log: .timedOut
        case .tcp(let port): connectOnce(to: port, probe: nil, until: deadline)
        case .http(let probe): connectOnce(to: probe.port, probe: probe, until: deadline)
        case .exec(let words): runOnce(words, until: deadline)
        }
    }

    private mutating func connectOnce(
        to port: UInt16, probe: HTTPProbe?, until deadline: UInt64
    ) -> ProbeResult.Outcome {
        let (begun, result) = ProbeAttempt.connect(to: port, version6: usesVersion6)
        attempt = begun
        guard begun != nil else { return noted(result) }
        while cinit_monotonic() < deadline {
            guard wait(until: deadline), var current = attempt else { continue }
            let step =
                if case .connecting = current {
                    current.request(probe, inHalves: false, keepsContent: true)
                } else { current.read() }
            attempt = current
            guard case .completed(var result) = step else { continue }
            if let response = current.response {
                result = probe?.judged(result, response) ?? result
                partialResult?.head = response.head
                partialResult?.body = response.content
            }
            attempt = nil
            return noted(result)
        }
        let unfinished = attempt?.unfinished ?? .timedOut
        attempt?.close()
        attempt = nil
        return unfinished
    }

    /// Returns the result of an attempt; after a refusal the next attempt uses the other address family.
    private mutating func noted(_ result: ProbeResult.Outcome) -> ProbeResult.Outcome {
        if result == .refused { usesVersion6.toggle() }
        return result
    }

    private mutating func runOnce(_ words: [[UInt8]], until deadline: UInt64) -> ProbeResult.Outcome {
        do throws(Message.StartFailure) {
            attempt = .running(try ImageCommand(words, of: spec).start())
        } catch { return .notStarted(error.errno) }
        let process = command.process
        while partialResult?.exitStatus == nil, cinit_monotonic() < deadline { wait(until: deadline) }
        if let exitStatus = partialResult?.exitStatus { return .ended(exitStatus) }
        command.close()
        attempt = nil
        _ = cinit_kill(process, 9)
        return .timedOut
    }

    private func report(_ outcome: ProbeResult.Outcome, of probe: UInt16) {
        guard let partialResult else { return }
        switch outcome {
        case .http, .lacksText:
            report(partialResult.head[...], .head, of: probe)
            report(partialResult.body.stream, .body, of: probe)
        case .ended, .timedOut:
            report(partialResult.body.stream, .body, of: probe)
            report(partialResult.stderr.stream, .stderr, of: probe)
        default: break
        }
        channel.send(.probeEvent(.finished(probe: probe, outcome)))
    }

    private func report(_ stream: StreamDigest, _ part: ProbeEvent.ResponsePart, of probe: UInt16) {
        report(stream.prefix[...], part, of: probe)
        channel.send(.probeEvent(.total(probe: probe, part, byteCount: stream.byteCount, digest: stream.digest)))
    }

    private func report(_ bytes: ArraySlice<UInt8>, _ part: ProbeEvent.ResponsePart, of probe: UInt16) {
        var rest = bytes
        while !rest.isEmpty {
            let piece = rest.prefix(ProbeEvent.chunkLimit)
            channel.send(.probeEvent(.chunk(probe: probe, part, Array(piece))))
            rest = rest[piece.endIndex...]
        }
    }
}

extension HTTPProbe {
    /// Returns the result of a complete response: a status that passes is not enough if the body lacks the text.
    func judged(_ outcome: ProbeResult.Outcome, _ response: ResponseParser) -> ProbeResult.Outcome {
        guard case .http(let status, _) = outcome, accepts(status), !response.hasWanted else { return outcome }
        return .lacksText(status: status)
    }
}

extension ProbeResult.Outcome {
    /// True for a complete response.
    var isResponse: Bool {
        switch self {
        case .http, .lacksText: true
        default: false
        }
    }

    /// True if the attempt's time passed before a result.
    var isTimeOver: Bool {
        switch self {
        case .timedOut, .silent, .unfinishedHead, .unfinishedBody: true
        default: false
        }
    }
}
