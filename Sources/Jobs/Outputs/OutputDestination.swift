public import OCI
internal import SystemPackage

/// The target of a stream of bytes on the command line: a path, or `-` for stdout.
public struct OutputDestination: Sendable {
    private let path: FileDestination?
    private let host: any JobHost

    /// Finds the destination that `text` names; `-` is stdout.
    ///
    /// - Throws: A usage failure for a directory, and for a stdout that is a terminal.
    public init(_ text: String, _ host: any JobHost) throws {
        self.host = host
        path = text == "-" ? nil : try FileDestination(FilePath(text))
        if path == nil { try host.expectArchiveOutput() }
    }

    /// Opens the destination and lets `body` write to it.
    public func write(_ body: (any ByteSink) throws -> Void) throws {
        if let path { return try path.write(body) }
        let sink = FileSink(try host.openStandardOutput())
        try body(sink)
        try sink.flush()
    }
}
