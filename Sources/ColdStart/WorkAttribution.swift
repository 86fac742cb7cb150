/// The processor time of a start by thread and file.
///
/// A thread's time between two files that it opens belongs to the first of them: an interpreter opens a module, and then
/// compiles and runs it. The time before its first file, and that of threads that ended unseen, has no file. The parts add
/// up to the whole, which the kernel counts for all processes of the image.
public struct WorkAttribution: Sendable, Equatable {
    /// The time of a thread after it opened a file.
    public struct ThreadWork: Sendable, Equatable {
        /// The thread's name; nil for threads that ended.
        public let thread: String?
        /// The thread's process; nil for threads that ended.
        public let process: UInt32?
        /// The path in the image; nil for the time before the first file.
        public let path: [UInt8]?
        /// The processor time.
        public internal(set) var milliseconds: Double
    }

    /// The parts, the largest first.
    public let parts: [ThreadWork]
    /// The processor time of the image until the first byte.
    public let milliseconds: Double

    /// Attributes the work of a trace; nil if it has no record of threads.
    public init?(_ trace: StartTrace) {
        guard !trace.threads.isEmpty else { return nil }
        var collected: [ThreadWork] = []
        for thread in trace.threads { collected += WorkAttribution.parts(of: thread, trace) }
        let known = collected.reduce(0) { $0 + $1.milliseconds }
        milliseconds = max(known, trace.processorMilliseconds ?? known)
        if milliseconds > known {
            collected.append(ThreadWork(thread: nil, process: nil, path: nil, milliseconds: milliseconds - known))
        }
        parts = WorkAttribution.merged(collected).sorted { $0.milliseconds > $1.milliseconds }
    }

    private static func parts(of thread: StartTrace.Thread, _ trace: StartTrace) -> [ThreadWork] {
        var (path, before, parts): ([UInt8]?, Double, [ThreadWork]) = (nil, 0, [])
        func close(at time: Double) {
            guard time > before else { return }
            parts.append(
                ThreadWork(thread: thread.name, process: thread.process, path: path, milliseconds: time - before))
            before = time
        }
        for open in trace.opens where open.thread == thread.number {
            // A thread's figure can lag behind on another processor, but it never exceeds that at the end.
            if let time = open.processorMilliseconds { close(at: min(time, thread.processorMilliseconds)) }
            path = open.path
        }
        close(at: thread.processorMilliseconds)
        return parts
    }

    /// Joins the parts of the same file in one process.
    private static func merged(_ parts: [ThreadWork]) -> [ThreadWork] {
        var (merged, places): ([ThreadWork], [Key: Int]) = ([], [:])
        for part in parts {
            let key = Key(thread: part.thread, process: part.process, path: part.path)
            if let place = places[key] {
                merged[place].milliseconds += part.milliseconds
            } else {
                places[key] = merged.count
                merged.append(part)
            }
        }
        return merged
    }

    private struct Key: Hashable {
        let thread: String?
        let process: UInt32?
        let path: [UInt8]?
    }
}
