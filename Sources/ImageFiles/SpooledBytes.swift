internal import Glibc
internal import Linux
internal import SystemPackage

/// Bytes that arrive in order and are then read at any offset: in memory if they are few, or else in a temporary file.
///
/// The file has no name. It is in TMPDIR, or else in /var/tmp, since /tmp is often memory.
final class SpooledBytes {
    private static let maximumMemory = 4 << 20
    private static let directory =
        unsafe getenv("TMPDIR").map { unsafe FilePath(String(cString: $0)) } ?? "/var/tmp"

    private var memory: [UInt8] = []
    private var file: TemporaryFile?
    private var written: UInt64 = 0

    /// Appends the next bytes.
    func append(_ bytes: ArraySlice<UInt8>) throws(SystemError) {
        memory += bytes
        if memory.count > Self.maximumMemory { try flush() }
    }

    private func flush() throws(SystemError) {
        let file: TemporaryFile
        if let known = self.file { file = known } else { file = try TemporaryFile(in: Self.directory) }
        self.file = file
        let bytes = memory
        try unsafe file.descriptor.write(bytes.span.bytes, at: Int64(written))
        written += UInt64(bytes.count)
        memory = []
    }
}

extension SpooledBytes: ELFSource {
    var byteCount: UInt64 { written + UInt64(memory.count) }

    func bytes(at offset: UInt64, count: Int) throws(ELF.Fault) -> [UInt8] {
        do throws(SystemError) {
            if file != nil, !memory.isEmpty { try flush() }
            guard let file else { return Array(memory[Int(offset)..<(Int(offset) + count)]) }
            return try file.read(count, at: Int64(offset))
        } catch {
            throw .unreadable(error)
        }
    }
}
