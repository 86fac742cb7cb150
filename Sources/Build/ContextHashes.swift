internal import Glibc
internal import Linux
internal import OCI
internal import Synchronization
internal import SystemPackage

/// The remembered hashes of a directory's files, so that an unchanged file is not read again.
///
/// A file is unchanged if its inode, size, change time and modification time are unchanged. A file that changed in the
/// second before it was hashed is not remembered: it may change again without a new time.
///
/// ```
/// thaw/cache/context-HASH     "thaw-hashes-2\n", then file by file:
/// +-------------+-----------------+-------------------------------------------------------+--------+------+
/// | path length | attributes: 0/1 | inode, size, mtime s and ns, ctime s and ns: 8 B each | digest | path |
/// | 2 B         | 1 B             | 48 B                                                  | 32 B   |      |
/// +-------------+-----------------+-------------------------------------------------------+--------+------+
/// ```
/// Entries are only used for files with equal metadata; a damaged file is made again.
final class ContextHashes: Sendable {
    fileprivate struct Stamp: Hashable {
        let inode: UInt64
        let size: Int64
        let modified: FileTime
        let changed: FileTime
    }

    private struct Entry {
        let stamp: Stamp
        let digest: Digest
        let hasAttributes: Bool
    }

    private struct State {
        /// Nil until the first use.
        var known: [ImagePath: Entry]?
        var new: [ImagePath: Entry] = [:]
    }

    private let store: Store
    private let path: FilePath
    private let now: Int64
    private let state = Mutex(State())
    private static let magic = Array("thaw-hashes-2\n".utf8)

    /// The hashes of the directory at `context`, read when they are first needed.
    init(_ store: Store, context: FilePath, now: Int64 = Int64(time(nil))) {
        self.store = store
        self.now = now
        path = FilePath("thaw/cache/context-\(Digest(of: context.bytes).hex)")
    }

    /// Returns the digest of a file with this status, and true if it has extended attributes.
    ///
    /// Extended attributes can't change without a new change time.
    func remembered(_ path: ImagePath, _ status: FileStatus) -> (digest: Digest, hasAttributes: Bool)? {
        state.withLock { state in
            if state.known == nil { state.known = read() }
            guard let entry = state.new[path] ?? state.known?[path], entry.stamp == Stamp(status) else { return nil }
            return (entry.digest, entry.hasAttributes)
        }
    }

    /// Records a file's hash, unless the file may still change without a new time.
    func remember(_ digest: Digest, of path: ImagePath, _ status: FileStatus, hasAttributes: Bool) {
        guard status.changed.seconds < now - 1 else { return }
        let entry = Entry(stamp: Stamp(status), digest: digest, hasAttributes: hasAttributes)
        state.withLock { $0.new[path] = entry }
    }

    /// Saves the new hashes, merged with the known ones.
    func save() throws {
        let bytes: [UInt8]? = state.withLock { state in
            if state.new.isEmpty { return nil }
            let known = state.known ?? read()
            var bytes = Self.magic
            bytes.reserveCapacity((known.count + state.new.count) * 128)
            for (path, entry) in known where state.new[path] == nil { Self.append(path, entry, to: &bytes) }
            for (path, entry) in state.new { Self.append(path, entry, to: &bytes) }
            return bytes
        }
        guard let bytes else { return }
        try store.root.replace(path, with: bytes, isSynced: false)
    }

    private static func append(_ path: ImagePath, _ entry: Entry, to bytes: inout [UInt8]) {
        bytes.append(littleEndian: UInt16(path.bytes.count))
        bytes.append(entry.hasAttributes ? 1 : 0)
        for value in entry.stamp.fields { bytes.append(littleEndian: value) }
        entry.digest.append(to: &bytes)
        bytes += path.bytes
    }

    private func read() -> [ImagePath: Entry] {
        guard let bytes = try? store.root.contents(of: path, limit: 1 << 30), bytes.starts(with: Self.magic) else {
            return [:]
        }
        var entries: [ImagePath: Entry] = [:]
        entries.reserveCapacity(bytes.count / 100)
        var rest = bytes.dropFirst(Self.magic.count)
        while let length = rest.take(UInt16.self), rest.count >= 81 + Int(length) {
            let hasAttributes = rest.take(UInt8.self) != 0
            let fields = (0..<6).map { _ in rest.take(Int64.self) ?? 0 }
            let digest = Digest(bytes: rest.prefix(32))
            let name = rest.dropFirst(32).prefix(Int(length))
            rest = rest.dropFirst(32 + Int(length))
            if let digest, let path = try? ImagePath(entry: name) {
                entries[path] = Entry(stamp: Stamp(fields), digest: digest, hasAttributes: hasAttributes)
            }
        }
        return entries
    }
}

extension ContextHashes.Stamp {
    fileprivate var fields: [Int64] {
        [
            Int64(bitPattern: inode), size, modified.seconds, modified.nanoseconds, changed.seconds,
            changed.nanoseconds,
        ]
    }

    fileprivate init(_ status: FileStatus) {
        self.init(inode: status.inode, size: status.size, modified: status.modified, changed: status.changed)
    }

    fileprivate init(_ fields: [Int64]) {
        self.init(
            inode: UInt64(bitPattern: fields[0]), size: fields[1],
            modified: FileTime(seconds: fields[2], nanoseconds: fields[3]),
            changed: FileTime(seconds: fields[4], nanoseconds: fields[5]))
    }
}

extension [UInt8] {
    /// Appends a value in little-endian order.
    mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
        unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
    }
}

extension ArraySlice<UInt8> {
    /// Takes a little-endian value; nil if there are too few bytes.
    fileprivate mutating func take<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
        let size = Value.bitWidth / 8
        guard count >= size else { return nil }
        var value: Value = 0
        for index in 0..<size { value |= Value(truncatingIfNeeded: self[startIndex + index]) << (8 * index) }
        self = dropFirst(size)
        return value
    }
}
