internal import ImageFiles
public import OCI

/// The files that an image's layers ship: the visible ones, and those that later layers hide.
///
/// A file with several names has a row for each; the first has its bytes, the others have none. Directories have no
/// rows: ``DirectorySizes`` sums them up.
public struct FileList: Sendable {
    /// The order of the rows.
    public enum Order: String, Sendable, CaseIterable {
        /// The largest first, then by path.
        case size
        /// By path, then by layer.
        case path
    }

    /// One name of a file.
    public struct FileRow: Sendable, Equatable {
        /// The name; that of the tar's entry for a hidden file.
        public let path: ImagePath
        /// The kind of the file.
        public let kind: FileKind
        /// The size in bytes; 0 for a further name of a file.
        public let bytes: Int64
        /// The layer that ships the file.
        public let layer: Int
        /// The first name of the same file, if this is another.
        public let firstName: ImagePath?
        /// The way in which a later layer hides the file; nil for a visible one.
        public let removal: FileTree.Removal?
    }

    /// The rows in order.
    public let rows: [FileRow]

    /// Lists the files of a tree, which needs no contents.
    ///
    /// - Parameter layer: The only layer whose files are listed; nil for all.
    public init(_ tree: FileTree, layer: Int? = nil, order: Order = .size) {
        var rows = Self.visible(tree, layer)
        for inode in tree.inodes where inode.linkCount == 0 && !inode.kind.isDirectory {
            guard layer.map({ $0 == inode.layer }) ?? true else { continue }
            rows.append(FileRow(inode, at: inode.path))
        }
        switch order {
        case .size: rows.sort { ($1.bytes, $0.path, $0.layer) < ($0.bytes, $1.path, $1.layer) }
        case .path: rows.sort { ($0.path, $0.layer) < ($1.path, $1.layer) }
        }
        self.rows = rows
    }

    private static func visible(_ tree: FileTree, _ layer: Int?) -> [FileRow] {
        var rows: [FileRow] = []
        var firstNames: [FileTree.InodeID: ImagePath] = [:]
        tree.walk { path, node in
            let id = tree[node: node].inode
            let inode = tree.inodes[id]
            guard !inode.kind.isDirectory, layer.map({ $0 == inode.layer }) ?? true else { return }
            let firstName = inode.linkCount > 1 ? firstNames[id] : nil
            if inode.linkCount > 1, firstName == nil { firstNames[id] = path }
            rows.append(FileRow(inode, at: path, firstName: firstName))
        }
        return rows
    }

    /// Returns the largest visible files, the largest first, at most `count`.
    static func largest(_ count: Int, in tree: FileTree, _ liveFiles: LiveFiles) -> [FileRow] {
        var largest: [(id: FileTree.InodeID, path: ImagePath, bytes: Int64)] = []
        for id in liveFiles.files {
            let bytes = tree.inodes[id].kind.size
            // Most files are smaller than the smallest of a full list.
            guard bytes > 0, largest.count < count || bytes >= largest.last?.bytes ?? 0 else { continue }
            guard let path = liveFiles.path(of: id) else { continue }
            let place = largest.firstIndex { ($0.bytes, path) < (bytes, $0.path) } ?? largest.count
            largest.insert((id, path, bytes), at: place)
            if largest.count > count { largest.removeLast() }
        }
        return largest.map { FileRow(tree.inodes[$0.id], at: $0.path) }
    }
}

extension FileList.FileRow {
    fileprivate init(_ inode: FileTree.Inode, at path: ImagePath, firstName: ImagePath? = nil) {
        self.init(
            path: path, kind: inode.kind, bytes: firstName == nil ? inode.kind.size : 0, layer: inode.layer,
            firstName: firstName, removal: inode.removal)
    }

    /// The kind in one word; a further name of a file is a `link`.
    var type: String {
        if firstName != nil { return "link" }
        return switch kind {
        case .file: "file"
        case .directory: "directory"
        case .symlink: "symlink"
        case .characterDevice, .blockDevice: "device"
        case .fifo: "fifo"
        }
    }

    /// The state in one word: `live`, `deleted` or `replaced`.
    var state: String {
        switch removal {
        case nil: "live"
        case .deleted: "deleted"
        case .replaced: "replaced"
        }
    }
}
