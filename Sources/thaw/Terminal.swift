import Glibc
import Linux
import OCI

/// The two streams: stdout carries the result and nothing else, stderr what people read meanwhile.
enum Terminal {
    /// Prints a result. A reader that went away is no failure of ours.
    static func print(_ text: String) {
        write(text.hasSuffix("\n") || text.isEmpty ? text : text + "\n", to: STDOUT_FILENO)
    }

    /// Prints a JSON document.
    static func print(_ document: JSON) {
        write(String(decoding: document.prettyBytes, as: UTF8.self), to: STDOUT_FILENO)
    }

    /// Prints for people, on stderr.
    static func tell(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Says what went wrong.
    static func complain(_ failure: Failure) {
        let lines = failure.message.split(separator: "\n", omittingEmptySubsequences: false)
        tell("thaw: " + lines.joined(separator: "\n"))
        for line in failure.remedy?.split(separator: "\n") ?? [] { tell("      " + line) }
    }

    /// Writes bytes as they are: a result that must not change.
    static func pass(output bytes: [UInt8]) { write(bytes, to: STDOUT_FILENO) }

    /// Writes bytes as they are, on stderr.
    static func pass(_ bytes: [UInt8]) { write(bytes, to: STDERR_FILENO) }

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
