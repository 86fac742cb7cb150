public import Linux

/// A source over a file, 128 KiB at a time.
public final class FileSource: ByteSource {
    private let file: OwnedDescriptor

    /// Reads `file` from its current offset.
    public init(_ file: consuming OwnedDescriptor) { self.file = file }

    public func next() throws -> [UInt8] { try file.read(128 << 10) }
}

/// A sink over a file, which collects small pieces first.
public final class FileSink: ByteSink {
    private static let size = 1 << 20
    private let file: OwnedDescriptor
    private var pending: [UInt8] = []

    /// Writes to `file` from its current offset.
    public init(_ file: consuming OwnedDescriptor) { self.file = file }

    public func write(_ bytes: ArraySlice<UInt8>) throws {
        pending += bytes
        if pending.count >= Self.size { try flush() }
    }

    /// Passes everything to the kernel; without this call the end is lost.
    public func flush() throws {
        try file.write(pending)
        pending.removeAll(keepingCapacity: true)
    }
}
