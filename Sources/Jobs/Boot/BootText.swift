public import ColdStart
internal import Linux

extension StartMeasurement {
    /// The text of `thaw boot --format text`.
    public var text: String {
        let how = accelerationNote.map { ", \($0)" } ?? (isAccelerated ? ", accelerated" : "")
        var lines = ["engine \(engine)\(how)"]
        for phase in phases {
            guard let milliseconds = phase.medianRunMilliseconds else { continue }
            let name = phase.name.rawValue + String(repeating: " ", count: max(1, 12 - phase.name.rawValue.count))
            lines.append("  \(name)\(Duration.text(milliseconds: milliseconds))")
        }
        let p95 = timeToFirstRequest.p95.map { ", p95 \(Duration.text(milliseconds: $0))" } ?? ""
        let count = runs == 1 ? "1 run" : "median of \(runs)\(p95)"
        lines.append("first request after \(Duration.text(milliseconds: medianRunMilliseconds)) (\(count))")
        if let hostProbe { lines.append(hostProbe.text) }
        if let work { lines.append(work.text) }
        if let response { lines.append("answered \(response.status), \(response.byteCount) bytes") }
        if let kernelRemark { lines.append(kernelRemark) }
        if let terminationMilliseconds {
            lines.append("ended \(Duration.text(milliseconds: terminationMilliseconds)) after SIGTERM")
        }
        lines += findings.map { "finding: \($0.message)" }
        lines += notes.map { "note: \($0)" }
        if let pageFaults { lines.append("page faults \(Int(pageFaults.median))") }
        if let peakGuestMemoryBytes { lines.append("peak memory \(ByteCount(Int64(peakGuestMemoryBytes)))") }
        return lines.joined(separator: "\n")
    }

    /// The engine, its acceleration and the number of starts, for people.
    var engineSentence: String {
        let count = runs == 1 ? "1 run" : "median of \(runs)"
        return switch (engine, isAccelerated) {
        case ("container", _): "container on this machine's kernel, \(count)"
        case (_, true): "\(engine) with KVM, \(count)"
        default: "\(engine), emulated: \(accelerationNote ?? "no KVM"), \(count)"
        }
    }
}

extension Statistics {
    /// The median of a number of milliseconds, for people.
    var medianText: String { Duration.text(milliseconds: median) }
}

extension WorkSummary {
    fileprivate var text: String {
        let percent = (instructions.spread * 10_000).rounded() / 100
        let program = programInstructions.map { ", \(Int64($0)) of them the program's" } ?? ""
        return "work \(instructions.median) instructions\(program), spread \(percent) %; waiting \(waiting.medianText)"
    }
}

extension HostProbeSummary {
    fileprivate var text: String {
        switch self {
        case .failed(let reason): "from outside: \(reason)"
        case .answered(let firstByte, let request, let status):
            "from outside \(status) after \(firstByte.medianText), the request alone \(request.medianText)"
        }
    }
}
