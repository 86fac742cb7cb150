public import Linux

/// A file's bytes, 128 KiB at a time.
public final class FileSource: ByteSource {
    private let file: OwnedDescriptor

    /// Reads `file` from where it stands.
    public init(_ file: consuming OwnedDescriptor) { self.file = file }

    public func next() throws -> [UInt8] { try file.read(128 << 10) }
}

/// Writes to a file, gathering small pieces first.
public final class FileSink: ByteSink {
    private static let size = 1 << 20
    private let file: OwnedDescriptor
    private var pending: [UInt8] = []

    /// Writes to `file` from where it stands.
    public init(_ file: consuming OwnedDescriptor) { self.file = file }

    public func write(_ bytes: ArraySlice<UInt8>) throws {
        pending += bytes
        if pending.count >= Self.size { try flush() }
    }

    /// Hands everything to the kernel. Whoever forgets this loses the end.
    public func flush() throws {
        try file.write(pending)
        pending.removeAll(keepingCapacity: true)
    }
}
