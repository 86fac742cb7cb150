public import Build
internal import Linux
internal import OCI
internal import Synchronization

/// The type of progress output.
public enum ProgressStyle: String, CaseIterable, Sendable {
    /// A status line on a terminal, else lines.
    case auto
    /// A status line.
    case tty
    /// Lines only.
    case plain
    /// Nothing but results and retries.
    case quiet
    /// An event in each line.
    case json

    /// The style of `BUILDKIT_PROGRESS`; an unknown one is `auto`, as for Docker.
    public static var fromEnvironment: ProgressStyle {
        let name = Environment["BUILDKIT_PROGRESS"] ?? ""
        return name == "rawjson" ? .json : ProgressStyle(rawValue: name) ?? .auto
    }
}

/// The progress of a build for people or programs: the output of each step, and a line when it has finished.
public final class BuildProgress: Sendable {
    private let style: ProgressStyle
    private let host: any JobHost
    private let shownWarnings = Mutex<Set<[BuildWarning]>>([])
    private let output = Mutex<[String: OutputLines]>([:])
    private let running = Mutex(RunningSteps())

    private let explainsMisses: Bool

    /// Makes a progress that reports to `host`.
    ///
    /// - Parameter explainsMisses: True to report the reason of each step, with all inputs that changed.
    public init(_ style: ProgressStyle, explainsMisses: Bool, host: any JobHost) {
        self.style = style
        self.explainsMisses = explainsMisses
        self.host = host
        guard [.auto, .tty].contains(style) else { return }
        host.show(.build) { [self] in running.withLock { $0.lines(at: .now) } }
    }

    /// Ends the live lines.
    public func end() { host.show(.build, nil) }

    /// Takes one event, from any thread.
    public func take(_ event: BuildEvent) {
        switch style {
        case .quiet: return
        case .json: reportJSON(event)
        case .auto, .tty, .plain: report(event)
        }
    }

    private func report(_ event: BuildEvent) {
        switch event {
        case .started(let stage, let line, let text):
            running.withLock { $0.begin("\(stage):\(line)", Self.shortened(text), at: .now) }
        case .output(let stage, let line, let bytes):
            let name = "\(stage):\(line)"
            let lines = output.withLock { $0[name, default: OutputLines()].add(bytes) }
            if let last = lines.last { running.withLock { $0.setLastLine(of: name, last) } }
            show(lines, of: name)
        case .finished(let step):
            let name = "\(step.stage):\(step.line)"
            running.withLock { $0.end(name, isCached: step.isCached) }
            show(output.withLock { $0.removeValue(forKey: name) }.map(Self.rest) ?? [], of: name)
            let time = step.isCached ? "CACHED" : step.duration.text
            host.report("[\(name)] \(Self.shortened(step.instruction))  \(time)")
            if explainsMisses { explain(step) }
        case .note(let text): host.note(text)
        case .warnings(let warnings): show(warnings)
        }
    }

    /// Prints the number of warnings, and the first few.
    private func show(_ warnings: [BuildWarning]) {
        // Each platform of a build finds the same ones.
        guard shownWarnings.withLock({ $0.insert(warnings).inserted }) else { return }
        let count = warnings.count == 1 ? "1 warning" : "\(warnings.count) warnings"
        let more = warnings.count > 3 ? ["  and \(warnings.count - 3) more; thaw lint lists all"] : []
        let lines = warnings.prefix(3).map { "  line \($0.line): \($0.message.visibleLine) [\($0.rule)]" }
        host.report((["\(count) in the Dockerfile"] + lines + more).joined(separator: "\n"))
    }

    /// Prints lines of a step with one write, so that lines of other steps can't come between them.
    private func show(_ lines: [String], of name: String) {
        if !lines.isEmpty { host.report(lines.map { "[\(name)] \($0)" }.joined(separator: "\n")) }
    }

    /// Returns the last line of an output, if it has no newline.
    private static func rest(_ lines: OutputLines) -> [String] {
        var lines = lines
        return lines.finish().map { [$0] } ?? []
    }

    private func explain(_ step: StepReport) {
        let changes = step.missReason?.changes ?? []
        guard changes.count > 1 else {
            return host.report("    \(step.isCached ? "hit" : "miss"): \("\(step.reason)".visibleLine)")
        }
        host.report("    miss: \(changes.count) inputs changed")
        for change in changes.prefix(20) { host.report("        \("\(change)".visibleLine)") }
        if changes.count > 20 {
            host.report("        and \(changes.count - 20) more; --metadata-file has them all")
        }
    }

    private func reportJSON(_ event: BuildEvent) {
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
            case .warnings(let warnings):
                .object(["event": .string("warnings"), "warnings": .array(warnings.map(\.json))])
            }
        host.report(event: json)
    }

    private static func shortened(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.count > 100 ? line.prefix(97) + "..." : line
    }
}
