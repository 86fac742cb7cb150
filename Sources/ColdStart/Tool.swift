internal import Linux
internal import SystemPackage

/// A program of this machine that runs to its end, and whose output we need.
enum Tool {
    private static let timeout: UInt64 = 300 * 1_000_000_000

    /// Returns the program's stdout.
    ///
    /// - Throws: ``ColdStartError/toolFailed(_:reason:)`` with the last line of its stderr.
    static func output(
        _ arguments: [String], in directory: FilePath? = nil, limit: Int
    ) throws(ColdStartError) -> [UInt8] {
        let (status, output, stderrText): (Int32?, [UInt8], String?)
        do throws(SystemError) {
            (status, output, stderrText) = try run(arguments, in: directory, limit: limit)
        } catch {
            throw .toolFailed(arguments[0], reason: "\(error.errno)")
        }
        if status == 0, output.count <= limit { return output }
        let reason = output.count > limit ? "its output is too large" : stderrText ?? "it printed no reason"
        throw .toolFailed(arguments[0], reason: reason)
    }

    private static func run(
        _ arguments: [String], in directory: FilePath?, limit: Int
    ) throws(SystemError) -> (status: Int32?, output: [UInt8], stderrText: String?) {
        var results = try OutputPipe()
        var messages = try OutputPipe()
        var child = try ChildProcess(
            arguments, descriptors: [results.writing, messages.writing], directory: directory)
        results.closeWriting()
        messages.closeWriting()
        var open = [results.reading.rawValue, messages.reading.rawValue]
        var output: [UInt8] = []
        var transcript = Transcript()
        let deadline = hostClock() + timeout
        while !open.isEmpty, output.count <= limit {
            let ready = try waitForInput(open, until: deadline)
            guard ready.contains(true) else { break }
            for (descriptor, isReady) in zip(open, ready) where isReady {
                let isResult = descriptor == results.reading.rawValue
                let bytes = try isResult ? results.reading.read(1 << 16) : messages.reading.read(1 << 16)
                if bytes.isEmpty { open.removeAll { $0 == descriptor } }
                if isResult { output += bytes } else { transcript.append(bytes) }
            }
        }
        if !open.isEmpty { child.kill() }
        return (child.wait().status, output, transcript.lastLine)
    }
}
