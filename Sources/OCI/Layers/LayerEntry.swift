public import Linux

/// The kind of a file, with the properties that only this kind has.
public enum FileKind: Hashable, Sendable {
    case directory
    /// A regular file of that many bytes.
    case file(size: Int64)
    case symlink(target: [UInt8])
    case characterDevice(major: UInt32, minor: UInt32)
    case blockDevice(major: UInt32, minor: UInt32)
    case fifo

    /// The bytes of a regular file; 0 for another kind.
    public var size: Int64 { if case .file(let size) = self { size } else { 0 } }

    public var isDirectory: Bool { self == .directory }

    public var isFile: Bool { if case .file = self { true } else { false } }

    public var isSymlink: Bool { if case .symlink = self { true } else { false } }
}

/// The properties of a file besides its content.
public struct FileMetadata: Hashable, Sendable {
    /// The twelve permission bits, including setuid, setgid and sticky.
    public var mode: UInt16
    /// The user ID of the owner.
    public var uid: UInt32
    /// The group ID.
    public var gid: UInt32
    /// The time of the last change of the content.
    public var mtime: FileTime
    /// The extended attributes by name, `security.capability` and `user.*` alike.
    public var xattrs: [String: [UInt8]]

    public init(
        mode: UInt16, uid: UInt32 = 0, gid: UInt32 = 0, mtime: FileTime = FileTime(seconds: 0),
        xattrs: [String: [UInt8]] = [:]
    ) {
        self.mode = mode & 0o7777
        self.uid = uid
        self.gid = gid
        self.mtime = mtime
        self.xattrs = xattrs
    }
}

/// One change of a layer (OCI image spec, image layer changesets).
public struct LayerEntry: Hashable, Sendable {
    /// The kind of change at ``path``.
    public enum Change: Hashable, Sendable {
        /// A file or directory is added, or replaces an older one.
        case add(FileKind)
        /// A hard link to a file of this or a lower layer.
        case link(to: ImagePath)
        /// Lower layers' file or directory at this path is removed (`.wh.NAME`).
        case remove
        /// Lower layers' entries of this directory are removed (`.wh..wh..opq`).
        case clear
    }

    /// The path that changes; for a whiteout the removed path, not the marker's.
    public var path: ImagePath
    /// The change.
    public var change: Change
    /// The file's metadata; a link repeats it, because Docker and Podman apply a link's to the file.
    ///
    /// Unused for ``Change/remove`` and ``Change/clear``.
    public var metadata: FileMetadata

    public init(_ path: ImagePath, _ change: Change, _ metadata: FileMetadata = FileMetadata(mode: 0)) {
        self.path = path
        self.change = change
        self.metadata = metadata
    }

    /// True if the name of an added file would make readers take it for a whiteout.
    var isMistakenForWhiteout: Bool {
        switch change {
        case .add, .link: path.name.starts(with: ".wh.".utf8)
        case .remove, .clear: false
        }
    }

    /// The bytes of content that follow the entry.
    public var size: Int64 { if case .add(let kind) = change { kind.size } else { 0 } }
}
