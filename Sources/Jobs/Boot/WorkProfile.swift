internal import ColdStart
internal import ImageFiles
internal import Linux
internal import OCI

/// The processor time of a start by process, module, executable file and function.
public struct WorkProfile: Sendable, Equatable {
    /// The parts, the largest first; they add up to ``milliseconds``.
    let parts: [WorkPart]
    /// The processor time of the image until the first byte, as the kernel counts it.
    let milliseconds: Double
    /// The processor time by samples; nil if the guest's kernel took none.
    let sampledMilliseconds: Double?
    /// The modules in the order in which they were opened, each once.
    let modules: [WorkFile]
    /// True if some opened files or samples are missing.
    let isIncomplete: Bool
    /// The last words of the program's arguments, which tell its script from its modules.
    let scripts: Set<String>

    /// Makes a profile of known parts.
    init(
        parts: [WorkPart], milliseconds: Double, sampledMilliseconds: Double?, modules: [WorkFile], isIncomplete: Bool,
        scripts: Set<String>
    ) {
        (self.parts, self.milliseconds, self.sampledMilliseconds) = (parts, milliseconds, sampledMilliseconds)
        (self.modules, self.isIncomplete, self.scripts) = (modules, isIncomplete, scripts)
    }

    /// Makes the profile of a trace; nil if the trace has neither samples nor threads.
    ///
    /// - Parameter arguments: The words of the entrypoint.
    init?(_ trace: StartTrace, of files: WorkFiles, arguments: [String] = []) {
        let sampled = trace.samples.reduce(0) { $0 + Double($1.count) } * trace.sampleMilliseconds
        if sampled > 0 {
            milliseconds = trace.processorMilliseconds ?? sampled
            parts = Self.parts(of: trace, files, scale: milliseconds / sampled)
        } else {
            guard let attribution = WorkAttribution(trace) else { return nil }
            milliseconds = attribution.milliseconds
            parts = Self.parts(of: attribution, files)
        }
        sampledMilliseconds = sampled > 0 ? sampled : nil
        isIncomplete = trace.isIncomplete
        scripts = Set(arguments.compactMap { $0.split(separator: "/").last.map(String.init) })
        var seen: Set<[UInt8]> = []
        modules = trace.opens.filter { InterpretedFile.isModule($0.path) && seen.insert($0.path).inserted }
            .map { files.file(at: $0.path) }
    }

    private static func parts(of trace: StartTrace, _ files: WorkFiles, scale: Double) -> [WorkPart] {
        trace.samples.map { sample in
            let program = OutputLines.line(sample.program[...]).visibleLine
            return WorkPart(
                process: "\(program) (\(sample.process))", program: program, module: sample.module.map(files.file),
                object: sample.object.map(files.file),
                function: sample.object.flatMap { files.function(at: sample.offset, of: $0) },
                isKernel: sample.isKernel, milliseconds: Double(sample.count) * trace.sampleMilliseconds * scale)
        }.joined
    }

    private static func parts(of attribution: WorkAttribution, _ files: WorkFiles) -> [WorkPart] {
        attribution.parts.map { part in
            let program = part.thread ?? "ended threads"
            return WorkPart(
                process: part.thread == nil ? program : "\(program) (\(part.process ?? 0))", program: program,
                module: part.path.map(files.file), isSampled: false, milliseconds: part.milliseconds)
        }
    }

    /// The folded stacks: one line for each part with its microseconds, as flame graph programs read them.
    var foldedStacks: String {
        parts.map { part in
            let stack = part.frames.map { $0.replacing(";", with: ",") }.joined(separator: ";")
            return "\(stack) \(Int64((part.milliseconds * 1000).rounded()))\n"
        }.joined()
    }

    /// The rows that people see.
    private static let shown = 10

    /// The largest causes for people.
    func text(isCounted: Bool) -> String {
        let whole = Self.amount(milliseconds, isCounted: isCounted)
        var lines = ["processor time until the first byte: \(whole)\(sampledText), of it"]
        for cause in causes.prefix(Self.shown) where cause.milliseconds > 0 {
            let percent = Int((cause.milliseconds / max(milliseconds, 1e-9) * 100).rounded())
            lines.append("  \(percent) %  \(Self.amount(cause.milliseconds, isCounted: isCounted))  \(cause.text)")
        }
        if isIncomplete { lines.append("note: some opened files or samples are missing") }
        return lines.joined(separator: "\n")
    }

    /// The share of the kernel's figure that the samples have.
    private var sampledText: String {
        guard let sampledMilliseconds, milliseconds > 0 else { return "" }
        return " (samples: \((sampledMilliseconds / milliseconds * 1000).rounded() / 10) % of it)"
    }

    /// A cost for people: instructions of a counted machine, else processor time.
    static func amount(_ milliseconds: Double, isCounted: Bool) -> String {
        guard isCounted else { return Duration.text(milliseconds: milliseconds) }
        return "\((milliseconds * 10).rounded() / 10) M instructions"
    }
}
