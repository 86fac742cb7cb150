internal import Guest
internal import Linux
internal import SystemPackage

/// The run record of an interview, built from init's probe events; its size is bounded for any guest.
struct InterviewRecord {
    private static let headLimit = 32_768

    private let asked: [Interview.Question]
    private let observes: Bool
    private var answers: [Heard]
    private var settled: Set<Int> = []
    private var patterns: [(place: Int, matcher: LineMatcher)] = []
    private var ports: [UInt16]?
    private var opened = FileObserver.Seen()
    private var blindness: UInt32?

    /// True if a pattern must match before the run is complete.
    let waitsForOutput: Bool

    init(_ interview: Interview) {
        asked = interview.asked
        observes = interview.observes
        answers = [Heard](repeating: Heard(), count: interview.count)
        waitsForOutput = !interview.patterns.isEmpty
        for (place, pattern) in interview.patterns {
            // A probe never has an invalid pattern.
            if let pattern = try? LinePattern(pattern) { patterns.append((place, LineMatcher(pattern))) }
        }
    }

    /// True if every probe has a result, and every pattern has matched.
    var isComplete: Bool {
        patterns.isEmpty && settled.count == asked.count && (asked.isEmpty || ports != nil)
    }

    /// Searches the output for the patterns.
    mutating func receiveOutput(_ bytes: [UInt8]) {
        for index in patterns.indices.reversed() where patterns[index].matcher.matches(bytes) {
            answers[patterns[index].place].outcome = .matched
            patterns.remove(at: index)
        }
    }

    mutating func receive(_ told: Told) {
        switch told {
        case .piece(let question, let part, let bytes): edit(question) { $0.add(bytes, to: part) }
        case .whole(let question, let part, let byteCount, let digest):
            edit(question) { $0.complete(part, byteCount: min(byteCount, Session.largest), digest) }
        case .settled(let question, let outcome):
            edit(question) { $0.outcome = Heard.Outcome(outcome) }
            if Int(question) < asked.count { settled.insert(Int(question)) }
        case .listening(let ports): self.ports = Set(ports).sorted()
        case .opened(let path): opened.add(path)
        case .overlooked: opened.isComplete = false
        case .blind(let errno): blindness = errno
        }
    }

    /// Returns the results, with the program's end if it has ended.
    func hearing(_ ending: Message.Ending?) -> Hearing {
        Hearing(answers: answers, ports: ports ?? [], ending: ending?.words, observation: observation)
    }

    private var observation: Observed {
        guard observes else { return .unwatched }
        if let blindness {
            let reason = Int32(exactly: blindness).map { "\(Errno(rawValue: $0))" } ?? "errno \(blindness)"
            return .blind(reason: "the guest's kernel cannot watch them: \(reason)")
        }
        return Observed(opened)
    }

    private mutating func edit(_ question: UInt16, _ change: (inout Heard) -> Void) {
        guard Int(question) < asked.count, !settled.contains(Int(question)) else { return }
        change(&answers[asked[Int(question)].place])
    }

    fileprivate static func limit(of part: Told.Part) -> Int { part == .head ? headLimit : Told.beginningLimit }
}

extension Heard {
    fileprivate mutating func add(_ bytes: [UInt8], to part: Told.Part) {
        let limit = InterviewRecord.limit(of: part)
        switch part {
        case .head: head += bytes.prefix(limit - head.count)
        case .body: body = (body ?? Content()).with(bytes, limit)
        case .errors: errors = (errors ?? Content()).with(bytes, limit)
        }
    }

    fileprivate mutating func complete(_ part: Told.Part, byteCount: UInt64, _ digest: [UInt8]) {
        func completed(_ content: Content?) -> Content {
            Content(beginning: content?.beginning ?? [], byteCount: byteCount, digest: digest)
        }
        switch part {
        case .head: break
        case .body: body = completed(body)
        case .errors: errors = completed(errors)
        }
    }
}

extension Heard.Content {
    fileprivate func with(_ bytes: [UInt8], _ limit: Int) -> Heard.Content {
        var content = self
        content.beginning += bytes.prefix(limit - beginning.count)
        return content
    }
}

extension Heard.Outcome {
    fileprivate init(_ outcome: Told.Outcome) {
        self =
            switch outcome {
            case .silent: .silent
            case .unstarted(let errno): .unstarted(reason: reasonWords(errno))
            case .answered(.refused): .refused
            case .answered(.broken): .broken
            case .answered(.connected): .connected
            case .answered(.http(let status, _)): .http(status: Int(status))
            case .answered(.command(.status(let status))): .exited(Int(status))
            case .answered(.command(.signal(let signal))): .killed(Int(signal))
            }
    }
}
