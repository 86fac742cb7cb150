// Listing, making, changing and removing single entries of a directory.

internal import CLinux
internal import Glibc
public import SystemPackage

/// One name in a directory.
public struct DirectoryEntry: Sendable, Hashable {
    /// The name's bytes, which need not be UTF-8 and are never `.` or `..`.
    public let name: [UInt8]
    /// Its type, if the file system reports it in the listing.
    public let type: FileType?
    /// The inode number.
    public let inode: UInt64
}

extension Directory {
    /// Returns this directory's entries, sorted by the bytes of the names.
    public func entries() throws(SystemError) -> [DirectoryEntry] {
        // A new open file: the read position of a shared one is shared too.
        let reader = OwnedDescriptor(
            owning: try system("list", path) {
                unsafe clinux_openat(descriptor.rawValue, ".", O_RDONLY | O_DIRECTORY, 0)
            })
        return try EntryList.read(reader, path)
    }

    /// Returns the status of an entry; a link is not followed.
    public func status(of path: FilePath) throws(SystemError) -> FileStatus {
        try entry("stat", path: path) { (parent, name) throws(SystemError) in
            var raw = stat()
            try system("stat", place(path)) { unsafe fstatat(parent, name, &raw, AT_SYMLINK_NOFOLLOW) }
            return try FileStatus(raw)
        }
    }

    /// True if an entry of this name exists, even a dangling link.
    public func exists(_ path: FilePath) throws(SystemError) -> Bool {
        do throws(SystemError) {
            _ = try status(of: path)
            return true
        } catch {
            if error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory { return false }
            throw error
        }
    }

    /// Returns the target of a symbolic link as bytes.
    public func target(ofLink path: FilePath) throws(SystemError) -> [UInt8] {
        try entry("read link", path: path) { (parent, name) throws(SystemError) in
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = try system("read link", place(path)) {
                unsafe readlinkat(parent, name, &buffer, buffer.count)
            }
            return buffer[..<count].map { UInt8(bitPattern: $0) }
        }
    }

    /// Makes one directory.
    public func makeDirectory(_ path: FilePath, mode: UInt32 = 0o755) throws(SystemError) {
        try entry("make directory", path: path) { (parent, name) throws(SystemError) in
            try system("make directory", place(path)) { unsafe mkdirat(parent, name, mode) }
        }
    }

    /// Makes a directory and its missing parents; existing ones stay unchanged.
    public func makeDirectories(_ path: FilePath, mode: UInt32 = 0o755) throws(SystemError) {
        var prefix = FilePath(root: path.root, [])
        for component in path.components {
            prefix.append(component)
            do throws(SystemError) {
                try makeDirectory(prefix, mode: mode)
            } catch {
                guard error.errno == .fileExists else { throw error }
            }
        }
    }

    /// Makes a symbolic link to `target`, which is stored unchanged.
    public func makeLink(_ path: FilePath, to target: FilePath) throws(SystemError) {
        try entry("make link", path: path) { (parent, name) throws(SystemError) in
            try system("make link", place(path)) {
                unsafe target.withPlatformString { unsafe symlinkat($0, parent, name) }
            }
        }
    }

    /// Makes a hard link to the file `old`, which is not followed if it is a symbolic link.
    public func makeHardLink(_ path: FilePath, to old: FilePath) throws(SystemError) {
        try entry("link", path: path) { (parent, name) throws(SystemError) in
            try entry("link", path: old) { (oldParent, oldName) throws(SystemError) in
                try system("link", place(path)) { unsafe linkat(oldParent, oldName, parent, name, 0) }
            }
        }
    }

    /// Makes a device node, FIFO or socket name; `mode` has only the permission bits.
    public func makeNode(
        _ path: FilePath, type: FileType, mode: UInt32, major: UInt32 = 0, minor: UInt32 = 0
    ) throws(SystemError) {
        try entry("make node", path: path) { (parent, name) throws(SystemError) in
            try system("make node", place(path)) {
                unsafe mknodat(parent, name, type.bits | mode, UInt(clinux_makedev(major, minor)))
            }
        }
    }

    /// Changes the owner; of a link, the link's own.
    public func setOwner(of path: FilePath, uid: UInt32, gid: UInt32) throws(SystemError) {
        try entry("change owner", path: path) { (parent, name) throws(SystemError) in
            try system("change owner", place(path)) {
                unsafe fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW)
            }
        }
    }

    /// Changes the permission bits of any entry except a link.
    ///
    /// - Throws: ``SystemError`` with ELOOP for a link.
    public func setMode(of path: FilePath, _ mode: UInt32) throws(SystemError) {
        guard try status(of: path).type != .symbolicLink else {
            throw SystemError("change mode", place(path), .tooManySymbolicLinkLevels)
        }
        try entry("change mode", path: path) { (parent, name) throws(SystemError) in
            let file = OwnedDescriptor(
                owning: try system("change mode", place(path)) {
                    unsafe clinux_openat(parent, name, Int32(clinux_o_path) | O_NOFOLLOW, 0)
                })
            // The kernel resolves this link to the open file, even if another file has its name by now.
            try system("change mode", place(path)) { unsafe chmod("/proc/self/fd/\(file.rawValue)", mode) }
        }
    }

    /// Sets the modification time; of a link, the link's own.
    public func setModified(of path: FilePath, _ time: FileTime) throws(SystemError) {
        let stamps = [
            timespec(tv_sec: 0, tv_nsec: clinux_utime_omit),
            timespec(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds)),
        ]
        try entry("set time", path: path) { (parent, name) throws(SystemError) in
            try system("set time", place(path)) { unsafe utimensat(parent, name, stamps, AT_SYMLINK_NOFOLLOW) }
        }
    }

    /// Moves an entry, and replaces an existing one.
    public func rename(_ old: FilePath, to new: FilePath) throws(SystemError) {
        try entry("rename", path: old) { (oldParent, oldName) throws(SystemError) in
            try entry("rename", path: new) { (parent, name) throws(SystemError) in
                try system("rename", place(old)) { unsafe renameat(oldParent, oldName, parent, name) }
            }
        }
    }

    /// Moves an entry to another directory of the same file system, and replaces an existing one.
    public func rename(_ old: FilePath, to other: Directory, _ new: FilePath) throws(SystemError) {
        try entry("rename", path: old) { (oldParent, oldName) throws(SystemError) in
            try other.entry("rename", path: new) { (parent, name) throws(SystemError) in
                try system("rename", place(old)) { unsafe renameat(oldParent, oldName, parent, name) }
            }
        }
    }

    /// Removes one entry that is not a directory.
    public func remove(_ path: FilePath) throws(SystemError) {
        try entry("remove", path: path) { (parent, name) throws(SystemError) in
            try system("remove", place(path)) { unsafe unlinkat(parent, name, 0) }
        }
    }

    /// Removes one empty directory.
    public func removeDirectory(_ path: FilePath) throws(SystemError) {
        try entry("remove", path: path) { (parent, name) throws(SystemError) in
            try system("remove", place(path)) { unsafe unlinkat(parent, name, AT_REMOVEDIR) }
        }
    }
}

/// The records of getdents64: inode 8, offset 8, length 2, type 1, name, NUL.
enum EntryList {
    static func read(
        _ directory: borrowing OwnedDescriptor, _ path: FilePath
    ) throws(SystemError) -> [DirectoryEntry] {
        var result: [DirectoryEntry] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 15)
        while true {
            let count = try system("list", path) {
                unsafe buffer.withUnsafeMutableBytes {
                    unsafe clinux_getdents(directory.rawValue, $0.baseAddress, $0.count)
                }
            }
            if count == 0 { break }
            parse(buffer[..<count], into: &result)
        }
        result.sort { $0.name.lexicographicallyPrecedes($1.name) }
        return result
    }

    private static func parse(_ records: ArraySlice<UInt8>, into result: inout [DirectoryEntry]) {
        var start = records.startIndex
        while records.endIndex - start > 19 {
            let length = Int(records[start + 16]) | Int(records[start + 17]) << 8
            guard length > 19, length <= records.endIndex - start else { return }
            let name = Array(records[start + 19..<start + length].prefix { $0 != 0 })
            if name != [0x2e], name != [0x2e, 0x2e] {
                var inode: UInt64 = 0
                for offset in 0..<8 { inode |= UInt64(records[start + offset]) << (8 * UInt64(offset)) }
                let type = FileType(mode: UInt32(records[start + 18]) << 12)
                result.append(DirectoryEntry(name: name, type: type, inode: inode))
            }
            start += length
        }
    }
}

extension FileType {
    /// The type's bits of a mode.
    public var bits: UInt32 {
        switch self {
        case .regular: UInt32(S_IFREG)
        case .directory: UInt32(S_IFDIR)
        case .symbolicLink: UInt32(S_IFLNK)
        case .characterDevice: UInt32(S_IFCHR)
        case .blockDevice: UInt32(S_IFBLK)
        case .fifo: UInt32(S_IFIFO)
        case .socket: UInt32(S_IFSOCK)
        }
    }
}

extension FilePath {
    /// A path of exactly these bytes, which need not be UTF-8; it ends before the first NUL.
    public init(bytes: some Sequence<UInt8>) {
        let text = bytes.prefix { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
        self.init(platformString: text)
    }

    /// The path's bytes, without the final NUL.
    public var bytes: [UInt8] {
        unsafe withPlatformString { text in
            unsafe Array(UnsafeBufferPointer(start: text, count: strlen(text))).map { UInt8(bitPattern: $0) }
        }
    }
}
