import Glibc
import Linux
import OCI

/// The only way to the two streams: stdout carries the result and nothing else, stderr what people read meanwhile.
///
/// Every text goes through one filter, `String.visible` of Linux, whoever wrote it: nothing of an image, a registry, a
/// context or a guest steers the terminal. ArchitectureTests refuse other ways of printing.
enum Terminal {
    private static let output = STDOUT_FILENO
    private static let errors = STDERR_FILENO

    /// True if a person sees stdout, or stderr.
    static var isOutputSeen: Bool { isatty(output) == 1 }
    static var areErrorsSeen: Bool { isatty(errors) == 1 }

    /// Prints a result. A reader that went away is no failure of ours.
    static func print(_ text: String) {
        write(text.hasSuffix("\n") || text.isEmpty ? text.visible : text.visible + "\n", to: output)
    }

    /// Prints a JSON document.
    static func print(_ document: JSON) { write(document.text, to: output) }

    /// Prints a JSON document that is text already.
    static func print(json text: String) { write(text.visibleJSON, to: output) }

    /// Prints a document of an image, byte for byte unless a person sees it.
    static func print(exactly bytes: [UInt8]) {
        if isOutputSeen { print(String(decoding: bytes, as: UTF8.self)) } else { write(bytes, to: output) }
    }

    /// stdout for an archive, whose bytes are not for people; ``Destination`` refuses one that a person sees.
    static func descriptorForArchives() throws -> OwnedDescriptor {
        let number = dup(output)
        guard number >= 0 else { throw Failure("stdout is closed") }
        return OwnedDescriptor(owning: number)
    }

    /// Prints for people, on stderr.
    static func tell(_ text: String) { write(text.visible + "\n", to: errors) }

    /// Prints lines for people, each with its newline.
    static func tell(lines: String) { write(lines.visible, to: errors) }

    /// Prints an event for programs, on stderr: one line of JSON.
    static func tell(_ event: JSON) { write(event.line + "\n", to: errors) }

    /// Prints a remark. Only its first line begins at the margin: the rest can't pass for lines of ours.
    static func note(_ text: String) { tell("note: " + indented(text)) }

    /// Prints the reason of a failure, and its remedy below.
    static func complain(_ failure: Failure) {
        let remedy = failure.remedy?.split(separator: "\n").map { "\n      " + $0 } ?? []
        tell("thaw: " + indented(failure.message) + remedy.joined())
    }

    /// Asks a person, who answers in the same line.
    static func ask(_ question: String) { write(question.visibleLine, to: errors) }

    /// Ends the line of a question whose answer does not show.
    static func endLine() { write("\n", to: errors) }

    /// Replaces the line at the cursor: by `text` to stay, if any, and `live`, which the next call replaces.
    static func redraw(_ text: String?, live: String, replacesLine: Bool) {
        let wipe = replacesLine ? "\r\u{1b}[K" : ""
        write(wipe + (text.map { $0.visible + "\n" } ?? "") + live.visibleLine, to: errors)
    }

    /// The text with all lines but the first indented, unless they are already.
    private static func indented(_ text: String) -> String {
        let lines = text.visible.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().map { number, line in
            number == 0 || line.isEmpty || line.first == " " || line.first == "\t" ? "\(line)" : "      \(line)"
        }.joined(separator: "\n")
    }

    private static func write(_ text: String, to descriptor: Int32) { write(Array(text.utf8), to: descriptor) }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
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
