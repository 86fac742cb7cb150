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
    private let output = Mutex<[String: OutputLines]>([:])

    /// True if every step's reason is shown, with all that changed.
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
            let name = "\(stage):\(line)"
            show(output.withLock { $0[name, default: OutputLines()].add(bytes) }, of: name)
        case .finished(let step):
            let name = "\(step.stage):\(step.line)"
            show(output.withLock { $0.removeValue(forKey: name) }.map(Self.rest) ?? [], of: name)
            let time = step.isCached ? "CACHED" : step.duration.seconds
            Terminal.tell("[\(name)] \(Self.shortened(step.instruction))  \(time)")
            if tellsWhy { explain(step) }
        case .note(let text): Terminal.note(text)
        }
    }

    /// Shows lines that a step wrote, at once: those of other steps can't come between them.
    private func show(_ lines: [String], of name: String) {
        if !lines.isEmpty { Terminal.tell(lines.map { "[\(name)] \($0)" }.joined(separator: "\n")) }
    }

    /// The end of an output without a newline.
    private static func rest(_ lines: OutputLines) -> [String] {
        var lines = lines
        return lines.finish().map { [$0] } ?? []
    }

    private func explain(_ step: StepReport) {
        let changes = step.missed?.changes ?? []
        guard changes.count > 1 else {
            return Terminal.tell("    \(step.isCached ? "hit" : "miss"): \("\(step.reason)".visibleLine)")
        }
        Terminal.tell("    miss: \(changes.count) inputs changed")
        for change in changes.prefix(20) { Terminal.tell("        \("\(change)".visibleLine)") }
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
        Terminal.tell(json)
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
