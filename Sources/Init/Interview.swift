import CInit

/// The response to the current probe so far.
struct Reply {
    /// The body of a response, or a command's stdout.
    var body = Gist()
    /// A command's stderr.
    var errors = Gist()
    /// The status line and header fields of an HTTP response.
    var head: [UInt8] = []
    /// The end of the probe's command.
    var ending: Message.Ending?
}

/// The interview: it runs one probe after the other, and sends each response with its digest.
extension Supervisor {
    /// The time for which a probe that must pass is repeated, in nanoseconds.
    private static let settling: UInt64 = 5_000_000_000
    private static let pause: UInt64 = 100_000_000

    /// Runs all probes, and returns the verdict.
    ///
    /// If the program ends meanwhile, the remaining probes fail, which is a result too.
    mutating func interview() -> Message.Verdict {
        for index in orders.questions.indices { ask(index) }
        var ports: [UInt16] = []
        for name in ["/proc/net/tcp", "/proc/net/tcp6"] as [StaticString] {
            ports += listeningPorts(contents(of: bytes(name)) ?? [])
        }
        observer?.drain(to: link)
        link.send(.told(.listening(listening(ports))))
        guard orders.lingers else { return .passed }
        let deadline = cinit_monotonic() &+ patience
        while ending == nil {
            guard cinit_monotonic() < deadline else { return .timedOut }
            wait(until: deadline)
        }
        return .ended
    }

    private var patience: UInt64 { UInt64(orders.timeoutMilliseconds) * 1_000_000 }

    private mutating func ask(_ index: Int) {
        let question = orders.questions[index]
        let began = cinit_monotonic()
        var outcome = Told.Outcome.silent
        while true {
            reply = Reply()
            outcome = tryOnce(question.probe, until: began &+ patience)
            guard question.mustPass, !outcome.passes, outcome != .silent, ending == nil,
                cinit_monotonic() < began &+ Supervisor.settling
            else { break }
            rest()
        }
        tell(outcome, of: UInt16(truncatingIfNeeded: index))
        reply = nil
    }

    private mutating func rest() {
        let end = cinit_monotonic() &+ Supervisor.pause
        while cinit_monotonic() < end { wait(until: end) }
    }

    private mutating func tryOnce(_ probe: Orders.Probe, until deadline: UInt64) -> Told.Outcome {
        switch probe {
        case .none: .silent
        case .tcp(let port): connectOnce(to: port, path: nil, until: deadline)
        case .http(let port, let path): connectOnce(to: port, path: path, until: deadline)
        case .command(let words): runOnce(words, until: deadline)
        }
    }

    private mutating func connectOnce(to port: UInt16, path: [UInt8]?, until deadline: UInt64) -> Told.Outcome {
        let (begun, answer) = Attempt.connect(to: port, version6: usesVersion6)
        attempt = begun
        guard begun != nil else { return refused(answer) }
        while cinit_monotonic() < deadline {
            guard wait(until: deadline), var current = attempt else { continue }
            let step =
                if case .connecting = current {
                    current.request(path, port: port, inHalves: false, keepsContent: true)
                } else { current.read() }
            attempt = current
            guard case .answered(let answer) = step else { continue }
            if case .over(let response) = current {
                reply?.head = response.head
                reply?.body = response.content
            }
            attempt = nil
            return refused(answer)
        }
        attempt?.close()
        attempt = nil
        return .silent
    }

    /// Converts the result of an attempt; after a refusal the next attempt uses the other address family.
    private mutating func refused(_ answer: Message.Answer) -> Told.Outcome {
        if answer == .refused { usesVersion6.toggle() }
        return .answered(answer)
    }

    private mutating func runOnce(_ words: [[UInt8]], until deadline: UInt64) -> Told.Outcome {
        do throws(Message.Failure) {
            attempt = .running(try Command(words, of: orders).start())
        } catch { return .unstarted(error.errno) }
        let process = command.process
        while reply?.ending == nil, cinit_monotonic() < deadline { wait(until: deadline) }
        if let ending = reply?.ending { return .answered(.command(ending)) }
        command.close()
        attempt = nil
        _ = cinit_kill(process, 9)
        return .silent
    }

    private func tell(_ outcome: Told.Outcome, of question: UInt16) {
        guard let reply else { return }
        if case .answered(.http) = outcome { tell(reply.head[...], .head, of: question) }
        switch outcome {
        case .answered(.http): tell(reply.body, .body, of: question)
        case .answered(.command), .silent:
            tell(reply.body, .body, of: question)
            tell(reply.errors, .errors, of: question)
        default: break
        }
        link.send(.told(.settled(question: question, outcome)))
    }

    private func tell(_ gist: Gist, _ part: Told.Part, of question: UInt16) {
        tell(gist.beginning[...], part, of: question)
        link.send(.told(.whole(question: question, part, byteCount: gist.byteCount, digest: gist.digest)))
    }

    private func tell(_ bytes: ArraySlice<UInt8>, _ part: Told.Part, of question: UInt16) {
        var rest = bytes
        while !rest.isEmpty {
            let piece = rest.prefix(Told.pieceLimit)
            link.send(.told(.piece(question: question, part, Array(piece))))
            rest = rest[piece.endIndex...]
        }
    }
}

extension Told.Outcome {
    /// True if a probe with this outcome has passed.
    fileprivate var passes: Bool {
        switch self {
        case .answered(.http(let status, _)): isSuccess(status)
        case .answered(.connected), .answered(.command(.status(0))): true
        default: false
        }
    }
}
