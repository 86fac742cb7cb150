internal import Guest
internal import Linux
internal import Probe
internal import SystemPackage

/// The results of a probe set, built from init's probe events; its size is bounded for any guest.
struct ProbeRecorder {
    fileprivate static let headLimit = 32_768

    /// The places of the results of init's probes.
    private let places: [Int]
    private let recordsOpenedFiles: Bool
    private var results: [ProbeResult]
    private var finished: Set<Int> = []
    private var patterns: [(place: Int, matcher: LineMatcher)] = []
    private var ports: [UInt16]?
    private var processes: [String]?
    private var output = StreamDigest()
    private var errors = StreamDigest()
    private var opened = FileObserver.OpenedPaths()
    private var observationErrno: UInt32?

    /// True if a pattern must match before the run is complete.
    let waitsForOutput: Bool

    init(_ probeSet: ProbeSet) {
        places = probeSet.triedPlaces
        recordsOpenedFiles = probeSet.recordsOpenedFiles
        results = [ProbeResult](repeating: ProbeResult(), count: probeSet.actions.count)
        for (place, action) in probeSet.actions.enumerated() {
            if case .log(let pattern) = action, let matcher = LineMatcher(pattern) { patterns.append((place, matcher)) }
        }
        waitsForOutput = !patterns.isEmpty
    }

    /// True if every probe has a result, and every pattern has matched.
    var isComplete: Bool {
        patterns.isEmpty && finished.count == places.count && (places.isEmpty || ports != nil)
    }

    /// Searches the output for the patterns, and keeps its beginning.
    mutating func receiveOutput(_ bytes: [UInt8], _ stream: Message.Stream = .output) {
        stream == .output ? output.append(bytes) : errors.append(bytes)
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
            edit(probe) { $0.outcome = outcome.clamped }
            if Int(probe) < places.count { finished.insert(Int(probe)) }
        case .listening(let ports): self.ports = Set(ports).sorted()
        case .processes(let names): processes = names.map { String(decoding: $0, as: UTF8.self) }
        case .openedFile(let path): opened.add(path)
        case .openedFilesIncomplete: opened.isComplete = false
        case .observationFailed(let errno): observationErrno = errno
        }
    }

    /// Returns the results, with the program's end if it has ended.
    func probeResults(_ earlyExit: ProbeResult.ProcessEnd?) -> ProbeResults {
        var whole = ProbeResults(
            results: results, listeningPorts: ports ?? [], earlyExit: earlyExit, openedFiles: openedFiles)
        (whole.processes, whole.output, whole.errors) = (processes, output, errors)
        return whole
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
        guard Int(probe) < places.count, !finished.contains(Int(probe)) else { return }
        change(&results[places[Int(probe)]])
    }
}

extension ProbeResult {
    fileprivate mutating func add(_ bytes: [UInt8], to part: ProbeEvent.ResponsePart) {
        switch part {
        case .head: head += bytes.prefix(ProbeRecorder.headLimit - head.count)
        case .body: body.add(bytes)
        case .stderr: stderr.add(bytes)
        }
    }

    fileprivate mutating func complete(_ part: ProbeEvent.ResponsePart, byteCount: UInt64, _ digest: [UInt8]) {
        switch part {
        case .head: break
        case .body: (body.byteCount, body.digest) = (byteCount, digest)
        case .stderr: (stderr.byteCount, stderr.digest) = (byteCount, digest)
        }
    }
}

extension StreamDigest {
    fileprivate mutating func add(_ bytes: [UInt8]) { prefix += bytes.prefix(StreamDigest.prefixLimit - prefix.count) }

    /// Adds bytes of a stream without a digest.
    fileprivate mutating func append(_ bytes: [UInt8]) {
        add(bytes)
        byteCount = min(byteCount &+ UInt64(bytes.count), GuestSession.largest)
    }
}
