internal import Linux
internal import SystemPackage

/// The files on disk in place of what a user namespace, or Linux itself, cannot hold.
///
/// | in the layer | on disk |
/// | --- | --- |
/// | a device node | an empty file with its mode, owner and time |
/// | an owner that is not mapped | root of the namespace |
/// | `trusted.*` and other attributes that are refused | nothing |
/// | outside too: a device number or an attribute that Linux doesn't know | an empty file; nothing |
/// | an opaque directory | `user.overlay.opaque`, where outside it is `trusted.overlay.opaque` |
///
/// The layers stay as they are: only their unpacked copies lose this, and ``truth(of:_:over:epoch:)`` puts it back where
/// a command had a file copied up. A command that gives such a file to root does what cannot be told apart, and changes
/// nothing.
struct StandIn {
    let ids: IDMap

    /// Overlayfs's mark of a directory that hides what is below it.
    var opaqueMark: String { ids.isInitial ? "trusted.overlay.opaque" : "user.overlay.opaque" }

    /// True if `kind` can be made.
    func holds(_ kind: FileKind) -> Bool { ids.isInitial ? kind.hasPossibleNumber : !kind.isDevice }

    /// The owner on disk; UInt32.max, which leaves it as it was made, where it is not mapped.
    func owner(of metadata: FileMetadata) -> (uid: UInt32, gid: UInt32) {
        (ids.hasUser(metadata.uid) ? metadata.uid : .max, ids.hasGroup(metadata.gid) ? metadata.gid : .max)
    }

    /// True if an attribute may be missing on disk after `error`: nothing there can hold it.
    func allows(_ error: SystemError, for attribute: String, _ value: [UInt8], of kind: FileKind) -> Bool {
        switch error.errno {
        case .argListTooLong, .outOfRange, .notSupported, .invalidArgument: true
        // A file system that keeps attributes in a block says that this block is full.
        case .noSpace: value.count > Self.smallBlock
        // Linux keeps user.* of files and directories alone.
        case .notPermitted where attribute.hasPrefix("user."): !kind.isFile && !kind.isDirectory
        case .notPermitted: !ids.isInitial
        default: false
        }
    }

    /// Bytes that every file system with attributes keeps.
    private static let smallBlock = 900

    /// True if no file system of Linux keeps such an attribute (xattr(7), limits.h).
    static func isImpossible(_ attribute: String, _ value: [UInt8]) -> Bool {
        let namespaces = ["user.", "trusted.", "security.", "system."]
        return attribute.utf8.count > 255 || attribute.utf8.contains(0) || value.count > 65_536
            || !namespaces.contains { attribute.hasPrefix($0) && attribute.utf8.count > $0.utf8.count }
    }

    /// What a file of an upper directory is, given what the layers below have at its path; times are cut to `epoch`.
    func truth(
        of kind: FileKind, _ metadata: FileMetadata, over old: FileTree.Inode?, epoch: Int64
    ) -> (kind: FileKind, metadata: FileMetadata) {
        guard let old else { return (kind, metadata) }
        let isPlaceholder =
            !holds(old.kind) && kind == .file(size: 0)
            && metadata.mtime.seconds == min(old.metadata.mtime.seconds, epoch)
        let kind = isPlaceholder ? old.kind : kind
        guard kind.isLike(old.kind) else { return (kind, metadata) }
        var metadata = metadata
        if !ids.hasUser(old.metadata.uid), metadata.uid == 0 { metadata.uid = old.metadata.uid }
        if !ids.hasGroup(old.metadata.gid), metadata.gid == 0 { metadata.gid = old.metadata.gid }
        for (name, value) in old.metadata.xattrs where isAbsent(name, value) { metadata.xattrs[name] = value }
        return (kind, metadata)
    }

    /// True if the unpacked copy of a file never had an attribute of its layer.
    private func isAbsent(_ name: String, _ value: [UInt8]) -> Bool {
        !ids.isInitial && name.hasPrefix("trusted.") || Self.isImpossible(name, value)
    }
}

extension FileKind {
    /// False for a device whose number Linux can't have: 12 bits are for the major one, 20 for the minor.
    var hasPossibleNumber: Bool {
        switch self {
        case .characterDevice(let major, let minor), .blockDevice(let major, let minor):
            major < 1 << 12 && minor < 1 << 20
        case .directory, .file, .symlink, .fifo: true
        }
    }

    /// True for a character or block device.
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
