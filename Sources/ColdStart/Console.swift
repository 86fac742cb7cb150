/// What the console of one run showed and the entrypoint wrote, the end of it if it was long.
public struct Console: Sendable {
    /// All of it, as it came.
    public let text: String

    /// The last lines that say something, made safe for a terminal.
    public func lastLines(_ count: Int) -> [String] {
        var transcript = Transcript()
        transcript.append(Array(text.utf8))
        return transcript.lastLines(count)
    }
}
