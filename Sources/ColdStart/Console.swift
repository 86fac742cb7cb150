/// The console's and the entrypoint's output in one run; only the end of it if it was long.
public struct Console: Sendable {
    /// The whole text, unfiltered.
    public let text: String

    /// Returns the last non-empty lines, made safe for a terminal.
    public func lastLines(_ count: Int) -> [String] {
        var transcript = Transcript()
        transcript.append(Array(text.utf8))
        return transcript.lastLines(count)
    }
}
