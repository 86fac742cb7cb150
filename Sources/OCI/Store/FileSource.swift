internal import Linux

/// A file's bytes, 256 KiB at a time.
final class FileSource: ByteSource {
    private let file: OwnedDescriptor

    init(_ file: consuming OwnedDescriptor) { self.file = file }

    func next() throws -> [UInt8] { try file.read(256 << 10) }
}
