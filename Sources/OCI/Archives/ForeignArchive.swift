internal import CArchive
public import Linux

/// A tar from any program, plain or compressed with gzip, bzip2, xz or zstd, read through libarchive.
///
/// Entries have the form of a layer's; names that leave the root are errors.
@safe public final class ForeignArchive {
    private let archive: OpaquePointer
    private let file: OwnedDescriptor
    private let name: String

    /// Opens the archive in `file`; errors contain `name`.
    public init(_ file: consuming OwnedDescriptor, name: String) throws {
        guard let archive = unsafe archive_read_new() else {
            throw OCIError.unreadableArchive(name, reason: "out of memory")
        }
        unsafe self.archive = archive
        self.file = file
        self.name = name
        // Only some of libarchive's filters: others start a program that the archive's first bytes choose.
        unsafe archive_read_support_filter_gzip(archive)
        unsafe archive_read_support_filter_bzip2(archive)
        unsafe archive_read_support_filter_xz(archive)
        unsafe archive_read_support_filter_zstd(archive)
        unsafe archive_read_support_format_tar(archive)
        try check(unsafe archive_read_open_fd(archive, self.file.rawValue, 64 << 10))
    }

    deinit { unsafe archive_read_free(archive) }

    /// True if a file is an archive: a tar with at least one entry, compressed or not.
    ///
    /// An entry with an unsafe name counts too.
    public static func isArchive(_ file: consuming OwnedDescriptor) -> Bool {
        guard let reader = try? ForeignArchive(file, name: "") else { return false }
        do {
            return try reader.next() != nil
        } catch OCIError.unsafeEntry {
            return true
        } catch {
            return false
        }
    }

    /// Returns the next entry, or nil at the end.
    public func next() throws -> LayerEntry? {
        var raw: OpaquePointer?
        let result = unsafe archive_read_next_header(archive, &raw)
        if result == ARCHIVE_EOF { return nil }
        try check(result)
        guard let raw = unsafe raw else { return nil }
        return try unsafe entry(raw)
    }

    /// Passes the current entry's content to `body`, chunk by chunk.
    public func readContent(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
        while true {
            var count = 0
            let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, initialized in
                count = unsafe archive_read_data(archive, buffer.baseAddress, buffer.count)
                initialized = max(0, count)
            }
            if count < 0 { throw failure() }
            if count == 0 { return }
            try body(chunk[...])
        }
    }

    private func entry(_ raw: OpaquePointer) throws -> LayerEntry {
        let path = try unsafe path(archive_entry_pathname(raw))
        var metadata = unsafe FileMetadata(
            mode: UInt16(archive_entry_perm(raw) & 0o7777), uid: UInt32(truncatingIfNeeded: archive_entry_uid(raw)),
            gid: UInt32(truncatingIfNeeded: archive_entry_gid(raw)),
            mtime: FileTime(seconds: Int64(archive_entry_mtime(raw))))
        unsafe archive_entry_xattr_reset(raw)
        var key: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while unsafe archive_entry_xattr_next(raw, &key, &value, &size) == ARCHIVE_OK, let name = unsafe key {
            // libarchive owns the bytes until the next header is read.
            unsafe metadata.xattrs[String(cString: name)] = Array(UnsafeRawBufferPointer(start: value, count: size))
        }
        if let target = unsafe archive_entry_hardlink(raw) {
            return LayerEntry(path, .link(to: try unsafe self.path(target)), metadata)
        }
        return LayerEntry(path, .add(try unsafe kind(raw)), metadata)
    }

    private func kind(_ raw: OpaquePointer) throws -> FileKind {
        let major = unsafe UInt32(truncatingIfNeeded: archive_entry_rdevmajor(raw))
        let minor = unsafe UInt32(truncatingIfNeeded: archive_entry_rdevminor(raw))
        switch unsafe archive_entry_filetype(raw) & 0o170000 {
        case 0o040000: return .directory
        case 0o120000:
            return .symlink(
                target: unsafe archive_entry_symlink(raw).map { unsafe Array(String(cString: $0).utf8) } ?? [])
        case 0o020000: return .characterDevice(major: major, minor: minor)
        case 0o060000: return .blockDevice(major: major, minor: minor)
        case 0o010000: return .fifo
        case 0o100000: return unsafe .file(size: archive_entry_size(raw))
        default: throw OCIError.unreadableArchive(name, reason: "it has an entry of an unknown type")
        }
    }

    private func path(_ raw: UnsafePointer<CChar>?) throws -> ImagePath {
        guard let raw = unsafe raw else {
            throw OCIError.unreadableArchive(name, reason: "it has an entry without a name")
        }
        var bytes: [UInt8] = []
        var cursor = unsafe raw
        while unsafe cursor.pointee != 0 {
            unsafe bytes.append(UInt8(bitPattern: cursor.pointee))
            unsafe cursor += 1
        }
        do {
            return try ImagePath(entry: bytes)
        } catch {
            throw OCIError.unsafeEntry(String(decoding: bytes, as: UTF8.self), layer: name, reason: error.description)
        }
    }

    private func check(_ result: Int32) throws {
        // A warning reports something that could not be kept; the entry is complete.
        if result != ARCHIVE_OK, result != ARCHIVE_WARN { throw failure() }
    }

    private func failure() -> OCIError {
        let text = unsafe archive_error_string(archive).map { unsafe String(cString: $0) } ?? "it cannot be read"
        return .unreadableArchive(name, reason: text)
    }
}
