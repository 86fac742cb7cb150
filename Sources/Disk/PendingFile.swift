internal import Linux
internal import SystemPackage

/// A file that gets its name when it is whole, or is discarded. Several threads may write to different parts of it.
final class PendingFile: Sendable {
    private let directory: Directory
    private let temporary: FilePath
    private let name: FilePath
    private let descriptor: OwnedDescriptor

    /// Makes a nameless neighbour of `path`.
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

    /// Takes the file away, for a reason that matters more than a failure to do so.
    func discard() { try? directory.remove(temporary) }

    /// Extends the file to `byteCount` bytes of zero.
    func extend(to byteCount: Int64) throws(SystemError) { try descriptor.truncate(to: byteCount) }

    /// Writes all of `bytes` from `offset`.
    func write(_ bytes: ArraySlice<UInt8>, at offset: Int64) throws(SystemError) {
        try unsafe descriptor.write(bytes.span.bytes, at: offset)
    }

    /// Gives the file its name. The kernel writes it out in its own time: the disk of a machine is made of an image
    /// again where one needs it, and nobody shall wait for what no crash can cost.
    func commit() throws(SystemError) { try directory.rename(temporary, to: name) }
}
