import ArgumentParser
import Build
import OCI
import Synchronization

/// How progress is shown.
enum ProgressStyle: String, ExpressibleByArgument, CaseIterable {
    case auto, tty, plain, quiet, json
}

/// Shows a build's steps on stderr, a line when one starts, its output, a line when it ends.
final class BuildProgress: Sendable {
    private let style: ProgressStyle
    private let partial = Mutex<[String: [UInt8]]>([:])

    init(_ style: ProgressStyle) { self.style = style }

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
        case .note(let text): Terminal.tell("note: \(text)")
        }
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
        .object([
            "stage": .string(stage), "line": .integer(Int64(line)), "instruction": .string(instruction),
            "cached": .bool(isCached), "reason": .string(reason), "durationMs": .number(duration.milliseconds),
        ])
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
