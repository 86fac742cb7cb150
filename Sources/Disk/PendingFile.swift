internal import Linux
internal import SystemPackage

/// A file that gets its name once it is complete, or is discarded.
///
/// Several threads may write to different parts of it.
final class PendingFile: Sendable {
    private let directory: Directory
    private let temporary: FilePath
    private let name: FilePath
    private let descriptor: OwnedDescriptor

    /// Creates a temporary file in the directory of `path`.
    init(for path: FilePath) throws(SystemError) {
        guard let last = path.lastComponent, last.kind == .regular else {
            throw SystemError("write", path, .invalidArgument)
        }
        let parent = path.removingLastComponent()
        directory = try Directory(parent.isEmpty ? "." : parent)
        name = FilePath(root: nil, [last])
        temporary = FilePath(".disk.\(UInt64.random(in: 0 ... .max))")
        descriptor = try directory.open(temporary, [.readWrite, .create, .exclusive], mode: 0o644)
    }

    /// Removes the file.
    ///
    /// The caller has an error to report that matters more than a failure to remove.
    func discard() { try? directory.remove(temporary) }

    /// Extends the file to `byteCount` bytes of zero.
    func extend(to byteCount: Int64) throws(SystemError) { try descriptor.truncate(to: byteCount) }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws(SystemError) {
        try unsafe descriptor.write(bytes.span.bytes, at: offset)
    }

    /// Gives the file its name, without waiting for the kernel to write it out.
    ///
    /// A disk that a crash damages can be made from its image again, so the wait would be of no use.
    func commit() throws(SystemError) { try directory.rename(temporary, to: name) }
}
