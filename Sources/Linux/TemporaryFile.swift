public import SystemPackage

/// A file without a name, which is gone with its last reader, also after a killed process.
public final class TemporaryFile: Sendable {
    /// The file, open for reading and writing.
    public let descriptor: OwnedDescriptor

    /// Makes an empty file on the file system of `directory`.
    public init(in directory: FilePath) throws(SystemError) {
        // Not O_TMPFILE, which overlayfs lacks on older kernels.
        let place = try Directory(directory)
        let name = FilePath(".thaw.\(UInt64.random(in: 0 ... .max))")
        descriptor = try place.open(name, [.readWrite, .create, .exclusive], mode: 0o600)
        try place.remove(name)
    }

    /// Reads exactly `count` bytes at `offset`.
    ///
    /// - Throws: ``SystemError`` with EIO if the file is shorter.
    public func read(_ count: Int, at offset: Int64) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let part = try descriptor.read(count - bytes.count, at: offset + Int64(bytes.count))
            guard !part.isEmpty else { throw SystemError("read", nil, .ioError) }
            if part.count == count { return part }
            bytes += part
        }
        return bytes
    }
}
