internal import Guest
internal import Linux
internal import SystemPackage

/// The run record of an interview, built from init's probe events; its size is bounded for any guest.
struct ProbeRecorder {
    private static let headLimit = 32_768

    private let specs: [ProbeSet.ProbeSpec]
    private let recordsOpenedFiles: Bool
    private var results: [ProbeResult]
    private var finished: Set<Int> = []
    private var patterns: [(place: Int, matcher: LineMatcher)] = []
    private var ports: [UInt16]?
    private var opened = FileObserver.OpenedPaths()
    private var observationErrno: UInt32?

    /// True if a pattern must match before the run is complete.
    let waitsForOutput: Bool

    init(_ probeSet: ProbeSet) {
        specs = probeSet.guestProbes
        recordsOpenedFiles = probeSet.recordsOpenedFiles
        results = [ProbeResult](repeating: ProbeResult(), count: probeSet.count)
        waitsForOutput = !probeSet.patterns.isEmpty
        for (place, pattern) in probeSet.patterns {
            // A probe never has an invalid pattern.
            if let pattern = try? LinePattern(pattern) { patterns.append((place, LineMatcher(pattern))) }
        }
    }

    /// True if every probe has a result, and every pattern has matched.
    var isComplete: Bool {
        patterns.isEmpty && finished.count == specs.count && (specs.isEmpty || ports != nil)
    }

    /// Searches the output for the patterns.
    mutating func receiveOutput(_ bytes: [UInt8]) {
        for index in patterns.indices.reversed() where patterns[index].matcher.matches(bytes) {
            results[patterns[index].place].outcome = .matched
            patterns.remove(at: index)
        }
    }

    mutating func receive(_ event: ProbeEvent) {
        switch event {
        case .chunk(let probe, let part, let bytes): edit(probe) { $0.add(bytes, to: part) }
        case .total(let probe, let part, let byteCount, let digest):
            edit(probe) { $0.complete(part, byteCount: min(byteCount, GuestSession.largest), digest) }
        case .finished(let probe, let outcome):
            edit(probe) { $0.outcome = ProbeResult.Outcome(outcome) }
            if Int(probe) < specs.count { finished.insert(Int(probe)) }
        case .listening(let ports): self.ports = Set(ports).sorted()
        case .openedFile(let path): opened.add(path)
        case .openedFilesIncomplete: opened.isComplete = false
        case .observationFailed(let errno): observationErrno = errno
        }
    }

    /// Returns the results, with the program's end if it has ended.
    func probeResults(_ earlyExit: Message.ExitStatus?) -> ProbeResults {
        ProbeResults(
            results: results, listeningPorts: ports ?? [], earlyExit: earlyExit?.words, openedFiles: openedFiles)
    }

    private var openedFiles: OpenedFiles {
        guard recordsOpenedFiles else { return .notRecorded }
        if let observationErrno {
            let reason =
                Int32(exactly: observationErrno).map { "\(Errno(rawValue: $0))" } ?? "errno \(observationErrno)"
            return .unavailable(reason: "the guest's kernel cannot watch them: \(reason)")
        }
        return OpenedFiles(opened)
    }

    private mutating func edit(_ probe: UInt16, _ change: (inout ProbeResult) -> Void) {
        guard Int(probe) < specs.count, !finished.contains(Int(probe)) else { return }
        change(&results[specs[Int(probe)].place])
    }

    fileprivate static func limit(of part: ProbeEvent.Part) -> Int {
        part == .head ? headLimit : ProbeEvent.prefixLimit
    }
}

extension ProbeResult {
    fileprivate mutating func add(_ bytes: [UInt8], to part: ProbeEvent.Part) {
        let limit = ProbeRecorder.limit(of: part)
        switch part {
        case .head: head += bytes.prefix(limit - head.count)
        case .body: body = (body ?? StreamDigest()).with(bytes, limit)
        case .stderr: stderr = (stderr ?? StreamDigest()).with(bytes, limit)
        }
    }

    fileprivate mutating func complete(_ part: ProbeEvent.Part, byteCount: UInt64, _ digest: [UInt8]) {
        func completed(_ content: StreamDigest?) -> StreamDigest {
            StreamDigest(prefix: content?.prefix ?? [], byteCount: byteCount, digest: digest)
        }
        switch part {
        case .head: break
        case .body: body = completed(body)
        case .stderr: stderr = completed(stderr)
        }
    }
}

extension ProbeResult.StreamDigest {
    fileprivate func with(_ bytes: [UInt8], _ limit: Int) -> ProbeResult.StreamDigest {
        var content = self
        content.prefix += bytes.prefix(limit - prefix.count)
        return content
    }
}

extension ProbeResult.Outcome {
    fileprivate init(_ outcome: ProbeEvent.Outcome) {
        self =
            switch outcome {
            case .timedOut: .timedOut
            case .notStarted(let errno): .notStarted(reason: reasonWords(errno))
            case .completed(.refused): .refused
            case .completed(.broken): .broken
            case .completed(.connected): .connected
            case .completed(.http(let status, _)): .http(status: Int(status))
            case .completed(.command(.status(let status))): .exited(Int(status))
            case .completed(.command(.signal(let signal))): .killed(Int(signal))
            }
    }
}
