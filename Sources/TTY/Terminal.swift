internal import Glibc
public import Jobs
public import Linux
internal import Synchronization

/// The only writer of stdout and stderr: stdout carries the result alone, stderr everything for people.
///
/// Every text passes one filter, `String.visible` of the module Linux. Text of an image, a registry, a context or a
/// guest cannot control the terminal. ArchitectureTests refuse other ways of printing.
public enum Terminal {
    private static let output = STDOUT_FILENO
    static let errors = STDERR_FILENO

    /// The live lines; without any, every write goes to its descriptor as it is.
    static let live = Mutex(LiveState())

    /// True if stdout is a terminal.
    public static var isStdoutTerminal: Bool { isatty(output) == 1 }
    /// True if stderr is a terminal.
    public static var isStderrTerminal: Bool { isatty(errors) == 1 }

    /// Prints a result.
    ///
    /// A reader that closed the pipe is no failure of the command.
    public static func print(_ text: String) {
        write(text.hasSuffix("\n") || text.isEmpty ? text.visible : text.visible + "\n", to: output)
    }

    /// Prints the result of a job.
    public static func print(_ printout: Printout) {
        switch printout {
        case .text(let text), .page(let text): print(text)
        case .json(let text): print(json: text)
        case .exact(let bytes): print(exactly: bytes)
        }
    }

    /// Prints a JSON document.
    public static func print(_ document: JSON) { write(document.text, to: output) }

    /// Prints a JSON document that is already text.
    public static func print(json text: String) { write(text.visibleJSON, to: output) }

    /// Prints a document of an image, byte for byte unless stdout is a terminal.
    private static func print(exactly bytes: [UInt8]) {
        if isStdoutTerminal { print(String(decoding: bytes, as: UTF8.self)) } else { write(bytes, to: output) }
    }

    /// Returns a duplicate of stdout for an archive; ``Destination`` refuses a terminal before.
    public static func descriptorForArchives() throws -> OwnedDescriptor {
        let number = dup(output)
        guard number >= 0 else { throw Failure("stdout is closed") }
        return OwnedDescriptor(owning: number)
    }

    /// Prints a text for people, on stderr.
    public static func report(_ text: String) { write(text.visible + "\n", to: errors) }

    /// Prints lines for people on stderr, each with its newline.
    public static func report(lines: String) { write(lines.visible, to: errors) }

    /// Prints an event for programs, on stderr: one line of JSON.
    public static func report(_ event: JSON) { write(event.line + "\n", to: errors) }

    /// Prints a note.
    ///
    /// Only its first line begins at the margin, so that foreign text cannot pass for lines of thaw.
    public static func note(_ text: String) { report("note: " + text.indentedBelowFirstLine) }

    /// Prints the reason of a failure, and its remedy below.
    public static func printFailure(_ failure: Failure) { report(failure.terminalText) }

    /// Prints a question on stderr; the user types the answer on the same line.
    static func prompt(_ question: String) {
        endLive()
        write(question.visibleLine, to: errors)
    }

    /// Ends the line of a question whose answer is not echoed.
    public static func endLine() { write("\n", to: errors) }

    private static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

    /// Writes above the live lines.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        live.withLock { live in
            if descriptor == output { live.endPhase(writingTo: errors) }
            live.clear(writingTo: errors)
            writeAll(bytes, to: descriptor)
            live.draw(writingTo: errors)
        }
    }

    /// Writes bytes; a closed pipe ends it.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32) {
        unsafe bytes.withUnsafeBytes { buffer in
            var rest = unsafe buffer[...]
            while unsafe !rest.isEmpty {
                let count = unsafe Glibc.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                guard count > 0 || errno == EINTR else { return }
                unsafe rest = rest.dropFirst(max(0, count))
            }
        }
    }
}

extension Failure {
    /// The sentence after the program's name, and the remedy below, indented.
    var terminalText: String {
        let remedy = remedy?.split(separator: "\n").map { "\n      " + $0 } ?? []
        return "thaw: " + message.indentedBelowFirstLine + remedy.joined()
    }
}

extension String {
    /// The visible text with all lines but the first indented, unless they are already.
    var indentedBelowFirstLine: String {
        let lines = visible.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().map { number, line in
            number == 0 || line.isEmpty || line.first == " " || line.first == "\t" ? "\(line)" : "      \(line)"
        }.joined(separator: "\n")
    }
}
