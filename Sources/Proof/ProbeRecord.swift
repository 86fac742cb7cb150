public import Probe

/// A program's result of one probe, as fields that can be compared.
public struct ProbeRecord: Equatable, Sendable {
    /// A part of a probe result.
    public struct RecordField: Equatable, Sendable {
        /// The field's name: `status`, `header content-type`, `body`, `output`.
        public let name: String
        /// The field's value.
        public let value: Value
    }

    /// The value of a field.
    public enum Value: Equatable, Sendable {
        /// A short text.
        case text(String)
        /// A stream of bytes.
        case content(StreamDigest)
        /// Names or lines in any order.
        case set(Set<String>)
    }

    /// The probe, as the user wrote it.
    public let probe: String
    /// The fields, in the order for people.
    public let fields: [RecordField]
    /// True if the probe passed.
    public let passes: Bool

    /// A record of any fields.
    public init(_ probe: String, _ fields: [(String, Value)], passes: Bool) {
        self.probe = probe
        self.fields = fields.map { RecordField(name: $0.0, value: $0.1) }
        self.passes = passes
    }

    /// The comparable fields of a result.
    ///
    /// - Parameters:
    ///   - result: the result.
    ///   - probe: the probe, as the user wrote it.
    ///   - passes: true if the result is what the probe requires.
    public init(_ result: ProbeResult, of probe: String, passes: Bool) {
        func answer(_ text: String) -> [(String, Value)] { [("answer", .text(text))] }
        let fields: [(String, Value)] =
            switch result.outcome {
            case .http(let status, _):
                [("status", .text("\(status)"))]
                    + ComparableHeaders(result.head).lines.map { ("header \($0.name)", .text($0.value)) }
                    + [("body", .content(result.body))]
            case .ended(let exitStatus):
                [
                    ("ending", .text(exitStatus.name)), ("output", .content(result.body)),
                    ("errors", .content(result.stderr)),
                ]
            case .lacksText(let status): answer("status \(status) without the wanted text")
            case .silent: answer("the connection was accepted, and there was no answer")
            case .unfinishedHead: answer("a header without end")
            case .unfinishedBody(let status, _): answer("status \(status), and a body without end")
            case .connected: answer("connected")
            case .matched: answer("a line matched")
            case .refused: answer("nothing listens")
            case .broken: answer("the connection was closed before the end of the response")
            case .timedOut: answer("no response before the timeout")
            case .notStarted(let errno): answer("the command cannot be run: \(programFailureWords(errno: errno))")
            }
        self.init(probe, fields, passes: passes)
    }

    /// The program's state after its probes.
    init(stateAfter results: ProbeResults) {
        let ports = results.listeningPorts.map { "\($0)" }.joined(separator: " ")
        let state = results.earlyExit.map { "it \($0.words)" } ?? "it runs"
        let processes = results.processes.map { [("processes", Value.set(Set($0)))] } ?? []
        self.init(
            "the program afterwards", [("state", .text(state)), ("listening on", .text(ports))] + processes,
            passes: true)
    }

    /// Returns the record without processes of these names.
    func without(_ processes: Set<String>) -> ProbeRecord {
        ProbeRecord(
            probe,
            fields.map { field in
                guard case .set(let names) = field.value, field.name == "processes" else {
                    return (field.name, field.value)
                }
                return (field.name, .set(names.subtracting(processes)))
            }, passes: passes)
    }

    /// The lines that the program and its children wrote, as far as they are known; nil if they ran on for no time.
    init?(outputOf results: ProbeResults) {
        guard results.processes != nil else { return nil }
        let streams = [("stdout", results.output), ("stderr", results.errors)]
        let fields = streams.compactMap { name, stream in LineShapes.of(stream).map { (name, Value.set($0)) } }
        self.init("the program's output", fields, passes: true)
    }

    /// The result in a few words: the short fields except for the headers, and the lengths of the others.
    public var summary: String {
        let parts = fields.compactMap { field -> String? in
            switch field.value {
            case .text where field.name.hasPrefix("header "): nil
            case .text(let text): field.name == "status" ? "status \(text)" : text
            case .content(let content): field.name == "errors" && content.isEmpty ? nil : "\(content.byteCount) bytes"
            case .set(let names) where field.name == "processes": names.sorted().joined(separator: " ")
            case .set(let lines): lines.isEmpty ? nil : "\(lines.count) kinds of lines on \(field.name)"
            }
        }
        return parts.joined(separator: ", ")
    }

    /// The kind of the result; results of different kinds have no fields in common.
    ///
    /// A set that is not known makes no other kind.
    var kind: String? {
        fields.first.flatMap { field in if case .set = field.value { nil } else { field.name } }
    }

    /// Returns the value of the field of that name.
    func value(of name: String) -> Value? { fields.first { $0.name == name }?.value }
}

extension ProbeResult.ProcessEnd {
    /// The name of the end, as a noun phrase.
    fileprivate var name: String {
        switch self {
        case .status(let status): "exit status \(status)"
        case .signal(let signal): "killed by signal \(signal)"
        }
    }
}
