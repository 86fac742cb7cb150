internal import ColdStart
internal import Linux

extension StartTrace {
    /// The file of `--timeline`: Chrome's trace event format, which Perfetto and chrome://tracing open.
    ///
    /// Phases, the first byte and the program's output are rows of the process 1, which is the machine. Each process of
    /// the image has a row for each thread, with the files that it opened. Times are in microseconds.
    var chromeTrace: JSON {
        .object([
            "displayTimeUnit": .string("ms"),
            "traceEvents": .array(names + phaseEvents + threadEvents + openEvents + outputEvents),
        ])
    }

    private enum Row {
        static let machine: Int64 = 1
        static let phases: Int64 = 1
        static let output: Int64 = 2
    }

    private var names: [JSON] {
        let rows = [
            Self.name("process_name", "machine", process: Row.machine, thread: Row.phases),
            Self.name("thread_name", "phases", process: Row.machine, thread: Row.phases),
            Self.name("thread_name", "output", process: Row.machine, thread: Row.output),
        ]
        var named: Set<UInt32> = []
        let processes = threads.filter { named.insert($0.process).inserted }.map {
            Self.name("process_name", $0.name, process: Int64($0.process), thread: Int64($0.number))
        }
        return rows + processes
            + threads.map {
                Self.name("thread_name", $0.name, process: Int64($0.process), thread: Int64($0.number))
            }
    }

    private var phaseEvents: [JSON] {
        let spans = phases.map {
            Self.event(
                "X", $0.name.rawValue, "phase", at: $0.begin, process: Row.machine, thread: Row.phases,
                ["dur": .number($0.milliseconds * 1000)])
        }
        let mark = Self.event(
            "i", "first byte", "mark", at: end, process: Row.machine, thread: Row.phases, ["s": .string("g")])
        return spans + [mark]
    }

    private var threadEvents: [JSON] {
        threads.map { thread in
            let arguments: [JSON.Key: JSON] = [
                "processorMs": .number(thread.processorMilliseconds),
                "majorFaults": .integer(Int64(clamping: thread.majorFaults)),
            ]
            return Self.event(
                "X", thread.name, "thread", at: thread.begin, process: Int64(thread.process),
                thread: Int64(thread.number),
                ["dur": .number(max(0, end - thread.begin) * 1000), "args": .object(arguments)])
        }
    }

    private var openEvents: [JSON] {
        let processes = Dictionary(threads.map { ($0.number, $0.process) }) { first, _ in first }
        return opens.map { open in
            var more: [JSON.Key: JSON] = ["s": .string("t")]
            if let used = open.processorMilliseconds { more["args"] = .object(["processorMs": .number(used)]) }
            // A thread that has ended has no process here.
            return Self.event(
                "i", OutputLines.line(open.path[...]).visibleLine, "open", at: open.time,
                process: Int64(processes[open.thread] ?? open.thread), thread: Int64(open.thread), more)
        }
    }

    private var outputEvents: [JSON] {
        output.map {
            Self.event(
                "i", $0.line, "output", at: $0.time, process: Row.machine, thread: Row.output, ["s": .string("t")])
        }
    }

    private static func event(
        _ type: String, _ name: String, _ category: String, at milliseconds: Double, process: Int64, thread: Int64,
        _ more: [JSON.Key: JSON]
    ) -> JSON {
        .object(
            [
                "ph": .string(type), "name": .string(name), "cat": .string(category),
                "ts": .number(milliseconds * 1000), "pid": .integer(process), "tid": .integer(thread),
            ].merging(more) { first, _ in first })
    }

    private static func name(_ kind: String, _ name: String, process: Int64, thread: Int64) -> JSON {
        .object([
            "ph": .string("M"), "name": .string(kind), "pid": .integer(process), "tid": .integer(thread),
            "args": .object(["name": .string(name)]),
        ])
    }
}
