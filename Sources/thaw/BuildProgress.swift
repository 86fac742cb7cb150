import ArgumentParser
import Build
import Linux
import OCI
import Synchronization

/// How progress is shown.
enum ProgressStyle: String, ExpressibleByArgument, CaseIterable {
    case auto, tty, plain, quiet, json
}

/// `--progress` and `--quiet`, for every command that takes its time.
struct ProgressArguments: ParsableArguments {
    @Option(help: "How progress is shown.") var progress: ProgressStyle = .auto
    @Flag(name: .shortAndLong, help: "Print the result alone: --progress quiet.") var quiet = false

    var style: ProgressStyle { quiet ? .quiet : progress }
}

/// Shows a build's steps on stderr, a line when one starts, its output, a line when it ends.
final class BuildProgress: Sendable {
    private let style: ProgressStyle
    private let partial = Mutex<[String: [UInt8]]>([:])

    /// Whether every step's reason is told, with all that changed.
    private let tellsWhy: Bool

    init(_ style: ProgressStyle, tellsWhy: Bool = false) {
        self.style = style
        self.tellsWhy = tellsWhy
    }

    /// Takes one event, from any thread.
    func take(_ event: BuildEvent) {
        switch style {
        case .quiet: return
        case .json: tellJSON(event)
        case .auto, .tty, .plain: tell(event)
        }
    }

    private func tell(_ event: BuildEvent) {
        switch event {
        case .started: return
        case .output(let stage, let line, let bytes):
            let text = partial.withLock { partial in
                let name = "\(stage):\(line)"
                let (lines, rest) = Self.cut(partial[name, default: []] + bytes)
                partial[name] = rest
                return lines.map { "[\(name)] \($0)\n" }.joined()
            }
            Terminal.pass(Array(text.utf8))
        case .finished(let step):
            let rest = partial.withLock { $0.removeValue(forKey: "\(step.stage):\(step.line)") } ?? []
            if !rest.isEmpty { Terminal.tell("[\(step.stage):\(step.line)] \(String(decoding: rest, as: UTF8.self))") }
            let time = step.isCached ? "CACHED" : step.duration.seconds
            Terminal.tell("[\(step.stage):\(step.line)] \(Self.shortened(step.instruction))  \(time)")
            if tellsWhy { explain(step) }
        case .note(let text): Terminal.tell("note: \(text)")
        }
    }

    private func explain(_ step: StepReport) {
        let changes = step.missed?.changes ?? []
        guard changes.count > 1 else { return Terminal.tell("    \(step.isCached ? "hit" : "miss"): \(step.reason)") }
        Terminal.tell("    miss: \(changes.count) inputs changed")
        for change in changes.prefix(20) { Terminal.tell("        \(change)") }
        if changes.count > 20 { Terminal.tell("        and \(changes.count - 20) more; --metadata-file has them all") }
    }

    private func tellJSON(_ event: BuildEvent) {
        let json: JSON =
            switch event {
            case .started(let stage, let line, let text):
                .object([
                    "event": .string("started"), "stage": .string(stage), "line": .integer(Int64(line)),
                    "instruction": .string(text),
                ])
            case .output(let stage, let line, let bytes):
                .object([
                    "event": .string("output"), "stage": .string(stage), "line": .integer(Int64(line)),
                    "text": .string(String(decoding: bytes, as: UTF8.self)),
                ])
            case .finished(let step): step.json
            case .note(let text): .object(["event": .string("note"), "text": .string(text)])
            }
        Terminal.pass(json.bytes + [10])
    }

    private static func cut(_ bytes: [UInt8]) -> (lines: [String], rest: [UInt8]) {
        var parts = bytes.split(separator: 10, omittingEmptySubsequences: false)
        let rest = Array(parts.popLast() ?? [])
        return (parts.map { String(decoding: $0, as: UTF8.self) }, rest)
    }

    private static func shortened(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.count > 100 ? line.prefix(97) + "..." : line
    }
}

extension StepReport {
    /// The step as `--metadata-file` and the report have it.
    var json: JSON {
        var json = JSON.object([
            "stage": .string(stage), "line": .integer(Int64(line)), "instruction": .string(instruction),
            "cached": .bool(isCached), "reason": .string(reason), "durationMs": .number(duration.milliseconds),
        ])
        if let changes = missed?.changes, !changes.isEmpty { json["changes"] = .array(changes.map(\.json)) }
        return json
    }
}

extension StepChange {
    /// `before` and `after` are absent where there was or is none.
    fileprivate var json: JSON {
        var json = JSON.object(["input": .string(input)])
        if let before { json["before"] = .string(before) }
        if let after { json["after"] = .string(after) }
        return json
    }
}

extension Duration {
    /// The length in milliseconds.
    var milliseconds: Double { Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15 }

    /// `1.23s`
    var seconds: String {
        let hundredths = Int((milliseconds / 10).rounded())
        let rest = hundredths % 100
        return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)s"
    }
}
