import Jobs
import Linux
import OCI
import SystemPackage

/// The target of a stream of bytes on the command line.
enum OutputDestination {
    case path(FileDestination)
    case standardOutput

    /// Finds the destination that `text` names; `-` is stdout.
    ///
    /// - Throws: A usage failure for a directory, and for a stdout that is a terminal.
    init(_ text: String) throws {
        guard text == "-" else {
            self = .path(try FileDestination(FilePath(text)))
            return
        }
        try Self.expectNoTerminal()
        self = .standardOutput
    }

    /// Opens stdout for an archive; a terminal is a usage failure.
    static func openStandardOutput() throws -> OwnedDescriptor {
        try expectNoTerminal()
        return try Terminal.descriptorForArchives()
    }

    private static func expectNoTerminal() throws {
        guard Terminal.isStdoutTerminal else { return }
        throw Failure(
            "cannot write an archive to a terminal", remedy: "redirect stdout, or name a file", status: .usage)
    }

    /// Opens the destination and lets `body` write to it.
    func write(_ body: (any ByteSink) throws -> Void) throws {
        switch self {
        case .path(let destination): try destination.write(body)
        case .standardOutput:
            let sink = FileSink(try Self.openStandardOutput())
            try body(sink)
            try sink.flush()
        }
    }
}
