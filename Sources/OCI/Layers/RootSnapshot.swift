public import Linux
public import SystemPackage

/// The marks of every file in a root file system, taken before a command that has no overlay.
///
/// A file has changed if one of its marks has: type, mode, owner, size, modification time, change time, inode number,
/// number of names. The kernel sets the change time by itself, and no program can set it back.
public struct RootSnapshot: Sendable {
    /// The marks of each directory's entries, by name.
    let directories: [ImagePath: [[UInt8]: FileMark]]
    /// The latest change time of all files.
    public let newest: FileTime

    /// The properties that distinguish a file from another one, or from itself at another time.
    struct FileMark: Hashable {
        let type: Linux.FileType
        let mode: UInt32
        let uid: UInt32
        let gid: UInt32
        let size: Int64
        let modified: FileTime
        let changed: FileTime
        let inode: UInt64
        let linkCount: UInt64
        let device: [UInt32]
        /// A directory's time of birth, if the file system has it: a new one often gets the old one's inode number.
        let birth: FileTime?

        init(_ status: FileStatus, birth: FileTime?) {
            (type, mode, uid, gid, size) = (status.type, status.mode, status.uid, status.gid, status.size)
            (modified, changed, inode) = (status.modified, status.changed, status.inode)
            (linkCount, device) = (status.linkCount, [status.major, status.minor])
            self.birth = birth
        }

        /// True if both marks are of one directory.
        func isSameDirectory(as other: FileMark) -> Bool {
            type == .directory && other.type == .directory && inode == other.inode && birth == other.birth
        }
    }

    /// Reads the marks of everything below `root`.
    public init(_ root: Directory) throws {
        var directories: [ImagePath: [[UInt8]: FileMark]] = [:]
        var newest = FileTime(seconds: 0)
        var stack = [ImagePath.root]
        while let path = stack.popLast() {
            var marks: [[UInt8]: FileMark] = [:]
            for (name, status, birth) in try Self.entries(of: path, in: root) {
                marks[name] = FileMark(status, birth: birth)
                newest = max(newest, status.changed)
                if status.type == .directory { stack.append(path.appending(name)) }
            }
            directories[path] = marks
        }
        (self.directories, self.newest) = (directories, newest)
    }

    /// Returns the entries of a directory, sorted by name.
    static func entries(
        of path: ImagePath, in root: Directory
    ) throws(SystemError) -> [(name: [UInt8], status: FileStatus, birth: FileTime?)] {
        let directory = path.isRoot ? root : try root.directory(FilePath(path))
        return try directory.statuses().map { (entry) throws(SystemError) in
            let birth = entry.status.type == .directory ? try directory.birth(of: FilePath(bytes: entry.name)) : nil
            return (entry.name, entry.status, birth)
        }
    }
}

/// The changes of a command in a root file system, each directory before its entries and siblings in byte order.
public struct RootChanges: Sendable {
    /// The paths with their status, nil for removed ones, including the directories above a change.
    private(set) var paths: [(path: ImagePath, status: FileStatus?)] = []
    /// Directories that replaced another directory or file.
    private(set) var remade: Set<ImagePath> = []
    /// Files whose names all belonged to one file before: no new name was added.
    private(set) var oldLinks: Set<ImagePath> = []
    private var above: [(path: ImagePath, status: FileStatus, isListed: Bool)] = []

    /// The way in which a change of a file is detected.
    public enum ChangeDetection: String, Sendable, Hashable, CaseIterable, Codable {
        /// By its marks.
        case marks
        /// By its content, whatever its marks are.
        case content
    }

    private enum Item {
        case present(ImagePath, FileStatus, RootSnapshot.FileMark, old: RootSnapshot.FileMark?, isInRemade: Bool)
        case removed(ImagePath)
    }

    /// Compares `root` with its snapshot; `lower` is the tree of the layers that it was made from.
    ///
    /// - Parameter withheld: Paths that the command could not reach, with all below them.
    public init(
        in root: Directory, since before: RootSnapshot, over lower: FileTree, withheld: [FilePath],
        by method: ChangeDetection
    ) throws {
        let withheld = Set(withheld.compactMap { try? ImagePath($0.string) })
        var names: [UInt64: [ImagePath]] = [:]
        var stack = try Self.items(in: .root, of: root, before, withheld, isInRemade: false)
        while let item = stack.popLast() {
            switch item {
            case .removed(let path): list(path, nil)
            case .present(let path, let status, let mark, let old, let isInRemade):
                let isRemade = status.type == .directory && old.map { !$0.isSameDirectory(as: mark) } == true
                if isRemade { remade.insert(path) }
                if mark != old || isInRemade || method == .content { list(path, status) }
                if status.type == .directory {
                    if paths.last?.path != path { above.append((path, status, false)) }
                    stack += try Self.items(in: path, of: root, before, withheld, isInRemade: isInRemade || isRemade)
                } else if status.linkCount > 1 {
                    names[status.inode, default: []].append(path)
                }
            }
        }
        for paths in names.values where Self.areOneFile(paths, lower) { oldLinks.formUnion(paths) }
    }

    private static func areOneFile(_ paths: [ImagePath], _ lower: FileTree) -> Bool {
        let old = Set(paths.map { path in lower.node(at: path).map { lower[node: $0].inode } })
        return old.count == 1 && old.first != .some(nil)
    }

    /// Returns the entries in reverse order, for a stack.
    private static func items(
        in path: ImagePath, of root: Directory, _ before: RootSnapshot, _ withheld: Set<ImagePath>, isInRemade: Bool
    ) throws -> [Item] {
        let old = before.directories[path] ?? [:]
        var items: [(name: [UInt8], item: Item)] = []
        var found: Set<[UInt8]> = []
        for (name, status, birth) in try RootSnapshot.entries(of: path, in: root) {
            let child = path.appending(name)
            found.insert(name)
            guard !withheld.contains(child) else { continue }
            let mark = RootSnapshot.FileMark(status, birth: birth)
            items.append((name, .present(child, status, mark, old: old[name], isInRemade: isInRemade)))
        }
        if !isInRemade {
            for name in old.keys where !found.contains(name) { items.append((name, .removed(path.appending(name)))) }
        }
        return items.sorted { $1.name.lexicographicallyPrecedes($0.name) }.map(\.item)
    }

    /// Adds a path after the directories above it.
    private mutating func list(_ path: ImagePath, _ status: FileStatus?) {
        while let last = above.last, !path.isWithin(last.path) { above.removeLast() }
        for index in above.indices where !above[index].isListed {
            paths.append((above[index].path, above[index].status))
            above[index].isListed = true
        }
        paths.append((path, status))
    }
}
