internal import Linux
internal import SystemPackage

/// The replacements on disk for files that a user namespace, root in a container, or Linux itself cannot store.
///
/// | in the layer | on disk |
/// | --- | --- |
/// | a device node | an empty file with its mode, owner and time |
/// | an owner that is not mapped | root of the namespace |
/// | for shifted files: an owner, also of a capability or in an access control list | the owner plus the shift |
/// | `trusted.*` and other attributes that are refused | nothing |
/// | outside too: a device number or an attribute that Linux doesn't know | an empty file; nothing |
/// | an opaque directory | `user.overlay.opaque`, where outside it is `trusted.overlay.opaque` |
///
/// The layers remain unchanged: only their unpacked copies lose this. ``actualEntry(of:_:over:epoch:)`` restores it for
/// copied-up files. A command that gives such a file to root cannot be detected, and changes nothing.
struct UnmappedOwners {
    let ids: IDMap
    /// True if everything can be stored: for root outside of any container.
    let holdsEverything: Bool

    /// Makes the rules for an ID map; by default `holdsEverything` is true outside of a user namespace.
    init(ids: IDMap, holdsEverything: Bool? = nil) {
        self.ids = ids
        self.holdsEverything = holdsEverything ?? ids.isInitial
    }

    /// Overlayfs's mark of a directory that hides the lower directories.
    var opaqueMark: String { ids.isInitial ? "trusted.overlay.opaque" : "user.overlay.opaque" }

    /// True if `kind` can be made.
    func holds(_ kind: FileKind) -> Bool { holdsEverything ? kind.hasPossibleNumber : !kind.isDevice }

    /// Returns the owner on disk; an ID that is not mapped is UInt32.max, which changes nothing.
    func owner(of metadata: FileMetadata) -> (uid: UInt32, gid: UInt32) {
        if ids.shift > 0 { return (ids.stored(metadata.uid), ids.stored(metadata.gid)) }
        return (ids.hasUser(metadata.uid) ? metadata.uid : .max, ids.hasGroup(metadata.gid) ? metadata.gid : .max)
    }

    /// True if an attribute may be missing on disk after `error`, because nothing there can store it.
    func allows(_ error: SystemError, for attribute: String, _ value: [UInt8], of kind: FileKind) -> Bool {
        switch error.errno {
        case .argListTooLong, .outOfRange, .notSupported, .invalidArgument: true
        // A file system that keeps attributes in one block returns this error if the block is full.
        case .noSpace: value.count > Self.smallBlock
        // Linux stores user.* only for files and directories.
        case .notPermitted where attribute.hasPrefix("user."): !kind.isFile && !kind.isDirectory
        case .notPermitted: !holdsEverything
        default: false
        }
    }

    /// The size in bytes that every file system with attributes can store.
    private static let smallBlock = 900

    /// True if no file system of Linux stores such an attribute (xattr(7), limits.h).
    static func isImpossible(_ attribute: String, _ value: [UInt8]) -> Bool {
        let namespaces = ["user.", "trusted.", "security.", "system."]
        return attribute.utf8.count > 255 || attribute.utf8.contains(0) || value.count > 65_536
            || !namespaces.contains { attribute.hasPrefix($0) && attribute.utf8.count > $0.utf8.count }
    }

    /// Returns the layer's form of a file of an upper directory, given the lower file at its path.
    ///
    /// Times are cut to `epoch`.
    func actualEntry(
        of kind: FileKind, _ metadata: FileMetadata, over old: FileTree.Inode?, epoch: Int64
    ) -> (kind: FileKind, metadata: FileMetadata) {
        guard let old else { return (kind, metadata) }
        let isPlaceholder =
            !holds(old.kind) && kind == .file(size: 0)
            && metadata.mtime.seconds == min(old.metadata.mtime.seconds, epoch)
        let kind = isPlaceholder ? old.kind : kind
        guard kind.isSameKind(old.kind) else { return (kind, metadata) }
        var metadata = metadata
        if !ids.hasUser(old.metadata.uid), metadata.uid == 0 { metadata.uid = old.metadata.uid }
        if !ids.hasGroup(old.metadata.gid), metadata.gid == 0 { metadata.gid = old.metadata.gid }
        for (name, value) in old.metadata.xattrs where isAbsent(name, value) { metadata.xattrs[name] = value }
        return (kind, metadata)
    }

    /// True if the unpacked copy of a file never had an attribute of its layer.
    private func isAbsent(_ name: String, _ value: [UInt8]) -> Bool {
        !holdsEverything && name.hasPrefix("trusted.") || Self.isImpossible(name, value)
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

    /// True if both are files, or directories, or links, whatever their contents are.
    fileprivate func isSameKind(_ other: FileKind) -> Bool {
        isFile == other.isFile && isDirectory == other.isDirectory && isSymlink == other.isSymlink
    }
}
