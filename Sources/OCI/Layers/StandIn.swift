internal import Linux
internal import SystemPackage

/// What stands on disk for what a user namespace cannot hold, nor root in a container.
///
/// | in the layer | on disk |
/// | --- | --- |
/// | a device node | an empty file with its mode, owner and time |
/// | an owner that is not mapped | root of the namespace |
/// | `trusted.*` and other attributes that are refused | nothing |
/// | an opaque directory | `user.overlay.opaque`, where outside it is `trusted.overlay.opaque` |
///
/// The layers stay as they are: only their unpacked copies lose this, and ``truth(of:_:over:epoch:)`` puts it back where
/// a command had a file copied up. A command that gives such a file to root does what cannot be told apart, and changes
/// nothing.
struct StandIn {
    let ids: IDMap
    /// Whether everything can be held: true for root outside of any container.
    let isWhole: Bool

    /// The rules for files that have these numbers; without a value for `isWhole`, as the user namespace has it.
    init(ids: IDMap, isWhole: Bool? = nil) {
        self.ids = ids
        self.isWhole = isWhole ?? ids.isInitial
    }

    /// Overlayfs's mark of a directory that hides what is below it.
    var opaqueMark: String { ids.isInitial ? "trusted.overlay.opaque" : "user.overlay.opaque" }

    /// Whether `kind` can be made.
    func holds(_ kind: FileKind) -> Bool { isWhole || !kind.isDevice }

    /// The owner on disk; UInt32.max, which leaves it as it was made, where it is not mapped.
    func owner(of metadata: FileMetadata) -> (uid: UInt32, gid: UInt32) {
        (ids.hasUser(metadata.uid) ? metadata.uid : .max, ids.hasGroup(metadata.gid) ? metadata.gid : .max)
    }

    /// Whether an attribute may be missing on disk after `error`.
    func allows(_ error: SystemError, for attribute: String) -> Bool {
        !isWhole && !attribute.hasPrefix("user.")
            && [.notPermitted, .invalidArgument, .notSupported].contains(error.errno)
    }

    /// What a file of an upper directory is, given what the layers below have at its path; times are cut to `epoch`.
    func truth(
        of kind: FileKind, _ metadata: FileMetadata, over old: FileTree.Inode?, epoch: Int64
    ) -> (kind: FileKind, metadata: FileMetadata) {
        guard !isWhole, let old else { return (kind, metadata) }
        let isPlaceholder =
            old.kind.isDevice && kind == .file(size: 0)
            && metadata.mtime.seconds == min(old.metadata.mtime.seconds, epoch)
        let kind = isPlaceholder ? old.kind : kind
        guard kind.isLike(old.kind) else { return (kind, metadata) }
        var metadata = metadata
        if !ids.hasUser(old.metadata.uid), metadata.uid == 0 { metadata.uid = old.metadata.uid }
        if !ids.hasGroup(old.metadata.gid), metadata.gid == 0 { metadata.gid = old.metadata.gid }
        for (name, value) in old.metadata.xattrs where name.hasPrefix("trusted.") { metadata.xattrs[name] = value }
        return (kind, metadata)
    }
}

extension FileKind {
    /// Whether this is a character or block device.
    fileprivate var isDevice: Bool {
        switch self {
        case .characterDevice, .blockDevice: true
        case .directory, .file, .symlink, .fifo: false
        }
    }

    /// Whether both are files, or directories, or links, whatever they hold.
    fileprivate func isLike(_ other: FileKind) -> Bool {
        isFile == other.isFile && isDirectory == other.isDirectory && isSymlink == other.isSymlink
    }
}
