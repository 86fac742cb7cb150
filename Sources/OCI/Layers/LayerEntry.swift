public import Linux

/// What a file is.
public enum FileKind: Hashable, Sendable {
    case directory
    /// A regular file of that many bytes.
    case file(size: Int64)
    case symlink(target: [UInt8])
    case characterDevice(major: UInt32, minor: UInt32)
    case blockDevice(major: UInt32, minor: UInt32)
    case fifo

    /// The bytes of a regular file; 0 for anything else.
    public var size: Int64 { if case .file(let size) = self { size } else { 0 } }

    /// Whether this is a directory.
    public var isDirectory: Bool { self == .directory }

    /// Whether this is a regular file.
    public var isFile: Bool { if case .file = self { true } else { false } }

    /// Whether this is a symbolic link.
    public var isSymlink: Bool { if case .symlink = self { true } else { false } }
}

/// What a file has besides its content.
public struct FileMetadata: Hashable, Sendable {
    /// The twelve permission bits, setuid, setgid and sticky among them.
    public var mode: UInt16
    /// Owner.
    public var uid: UInt32
    /// Group.
    public var gid: UInt32
    /// Last change of the content.
    public var mtime: FileTime
    /// Extended attributes by name, `security.capability` and `user.*` alike.
    public var xattrs: [String: [UInt8]]

    /// Metadata of known parts.
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

/// One change that a layer makes (OCI image spec, image layer changesets).
public struct LayerEntry: Hashable, Sendable {
    /// What is done at ``path``.
    public enum Change: Hashable, Sendable {
        /// A file or directory is added, or replaces what was there.
        case add(FileKind)
        /// A hard link to a file of this or a lower layer.
        case link(to: ImagePath)
        /// What lower layers have at this path is gone (`.wh.NAME`).
        case remove
        /// What lower layers have in this directory is gone (`.wh..wh..opq`).
        case clear
    }

    /// The path that changes: for a whiteout the path that goes, not the marker's.
    public var path: ImagePath
    /// What is done.
    public var change: Change
    /// What the file has; a link repeats it, because Docker and Podman apply a link's to the file.
    ///
    /// Of no meaning for ``Change/remove`` and ``Change/clear``.
    public var metadata: FileMetadata

    /// An entry of known parts.
    public init(_ path: ImagePath, _ change: Change, _ metadata: FileMetadata = FileMetadata(mode: 0)) {
        self.path = path
        self.change = change
        self.metadata = metadata
    }

    /// Whether a reader of the layer would take this for a whiteout, which it is not.
    var isMistakenForWhiteout: Bool {
        switch change {
        case .add, .link: path.name.starts(with: ".wh.".utf8)
        case .remove, .clear: false
        }
    }

    /// Bytes of content that follow the entry.
    public var size: Int64 { if case .add(let kind) = change { kind.size } else { 0 } }
}
