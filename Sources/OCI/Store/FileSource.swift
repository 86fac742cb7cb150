public import Linux

/// A file's bytes, 256 KiB at a time.
public final class FileSource: ByteSource {
    private let file: OwnedDescriptor

    /// Reads `file` from where it stands.
    public init(_ file: consuming OwnedDescriptor) { self.file = file }

    public func next() throws -> [UInt8] { try file.read(256 << 10) }
}
