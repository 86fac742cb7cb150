internal import CArchive

/// The regular files in an archive that is a file of an image: a tar or zip, or one compressed file.
///
/// An archive of a user is hostile input: the bytes that it may unpack to are limited, names are only text, and a damaged
/// archive ends at its first error.
public enum NestedFiles {
    /// Passes each file that `wants` accepts to `body`, with its name and at most `limit` bytes of its content.
    ///
    /// - Parameters:
    ///   - total: The number of unpacked bytes after which the archive is left.
    ///   - wants: True for a file to read, by its name.
    public static func read(
        in bytes: [UInt8], limit: Int, total: Int64, wants: (String) -> Bool, body: (String, [UInt8]) -> Void
    ) {
        guard let archive = unsafe archive_read_new() else { return }
        defer { unsafe archive_read_free(archive) }
        unsafe archive_read_support_filter_gzip(archive)
        unsafe archive_read_support_filter_bzip2(archive)
        unsafe archive_read_support_filter_xz(archive)
        unsafe archive_read_support_filter_zstd(archive)
        unsafe archive_read_support_format_tar(archive)
        unsafe archive_read_support_format_zip(archive)
        unsafe archive_read_support_format_raw(archive)
        // libarchive reads from `bytes` only while the closure runs.
        unsafe bytes.withUnsafeBytes { memory in
            guard unsafe archive_read_open_memory(archive, memory.baseAddress, memory.count) == ARCHIVE_OK else {
                return
            }
            var left = total
            while left > 0, let name = unsafe next(archive, &left) {
                guard wants(name) else { continue }
                let content = unsafe content(archive, limit: min(limit, Int(left)))
                left -= Int64(content.count)
                body(name, content)
            }
        }
    }

    /// Returns the name of the next regular file; nil at the end, after an error, or where more than `left` bytes must
    /// be skipped.
    private static func next(_ archive: OpaquePointer, _ left: inout Int64) -> String? {
        var raw: OpaquePointer?
        while unsafe archive_read_next_header(archive, &raw) >= ARCHIVE_WARN, let entry = unsafe raw {
            let size = unsafe archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : 0
            guard size >= 0, size <= left else { return nil }
            let isFile = unsafe archive_entry_filetype(entry) & 0o170000 == 0o100000
            if isFile { return unsafe archive_entry_pathname(entry).map { unsafe String(cString: $0) } ?? "" }
            left -= max(size, 512)
        }
        return nil
    }

    private static func content(_ archive: OpaquePointer, limit: Int) -> [UInt8] {
        var content: [UInt8] = []
        while content.count < limit {
            let room = min(64 << 10, limit - content.count)
            let chunk = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                count = unsafe max(0, archive_read_data(archive, buffer.baseAddress, room))
            }
            if chunk.isEmpty { break }
            content += chunk
        }
        return content
    }
}
