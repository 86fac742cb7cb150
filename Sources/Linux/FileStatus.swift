// The status of one file.

internal import CLinux
internal import Glibc
public import SystemPackage

/// The type of a directory entry.
public enum FileType: Sendable, Hashable {
    /// A regular file.
    case regular
    /// A directory.
    case directory
    /// A symbolic link.
    case symbolicLink
    /// A character device; 0:0 is an overlay whiteout.
    case characterDevice
    /// A block device.
    case blockDevice
    /// A named pipe.
    case fifo
    /// A socket's name.
    case socket

    /// The type in the upper bits of a mode; nil for unknown bits.
    public init?(mode: UInt32) {
        switch mode & UInt32(S_IFMT) {
        case UInt32(S_IFREG): self = .regular
        case UInt32(S_IFDIR): self = .directory
        case UInt32(S_IFLNK): self = .symbolicLink
        case UInt32(S_IFCHR): self = .characterDevice
        case UInt32(S_IFBLK): self = .blockDevice
        case UInt32(S_IFIFO): self = .fifo
        case UInt32(S_IFSOCK): self = .socket
        default: return nil
        }
    }
}

/// A time stamp of a file.
public struct FileTime: Sendable, Hashable, Comparable {
    /// Seconds since 1970.
    public let seconds: Int64
    /// Nanoseconds within the second.
    public let nanoseconds: Int64

    /// A time stamp from its two parts.
    public init(seconds: Int64, nanoseconds: Int64 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Earlier is smaller.
    public static func < (left: FileTime, right: FileTime) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}

/// The result of `lstat`.
public struct FileStatus: Sendable, Hashable {
    /// The type.
    public let type: FileType
    /// Permission bits with set-uid, set-gid and sticky: 0 to 0o7777.
    public let mode: UInt32
    /// The owner's user ID.
    public let uid: UInt32
    /// The group ID.
    public let gid: UInt32
    /// Size in bytes.
    public let size: Int64
    /// Space used on disk, in bytes.
    public let allocated: Int64
    /// The modification time of the content.
    public let modified: FileTime
    /// The change time of the content or the inode; no program can set it.
    public let changed: FileTime
    /// The inode number within its device.
    public let inode: UInt64
    /// The device that holds the file.
    public let device: UInt64
    /// The major number, if the file is a device.
    public let major: UInt32
    /// The minor number, if the file is a device.
    public let minor: UInt32
    /// The number of hard links.
    public let linkCount: UInt64

    init(_ raw: stat) throws(SystemError) {
        guard let type = FileType(mode: raw.st_mode) else { throw SystemError("stat", nil, .invalidArgument) }
        self.type = type
        mode = raw.st_mode & 0o7777
        uid = raw.st_uid
        gid = raw.st_gid
        size = Int64(raw.st_size)
        allocated = Int64(raw.st_blocks) * 512
        modified = FileTime(seconds: Int64(raw.st_mtim.tv_sec), nanoseconds: Int64(raw.st_mtim.tv_nsec))
        changed = FileTime(seconds: Int64(raw.st_ctim.tv_sec), nanoseconds: Int64(raw.st_ctim.tv_nsec))
        inode = UInt64(raw.st_ino)
        device = UInt64(raw.st_dev)
        major = clinux_major(UInt64(raw.st_rdev))
        minor = clinux_minor(UInt64(raw.st_rdev))
        linkCount = UInt64(raw.st_nlink)
    }

    /// True if overlayfs treats this entry as a whiteout.
    public var isWhiteout: Bool {
        type == .characterDevice && major == 0 && minor == 0
    }
}

extension OwnedDescriptor {
    /// Returns the status of the open file.
    public func status() throws(SystemError) -> FileStatus {
        var raw = stat()
        try system("stat") { unsafe fstat(rawValue, &raw) }
        return try FileStatus(raw)
    }

    /// Returns the current path of the open file, as this process sees it.
    public func currentPath() throws(SystemError) -> FilePath {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let link = "/proc/self/fd/\(rawValue)"
        let count = try system("read link", FilePath(link)) { unsafe readlink(link, &buffer, buffer.count) }
        return FilePath(bytes: buffer[..<count].map { UInt8(bitPattern: $0) })
    }
}
