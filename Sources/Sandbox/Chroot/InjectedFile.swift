// Files and directories placed into a root file system while a command runs there. They replace the mounts of a command
// with namespaces: a file already at the path is moved aside, and restored unchanged.

internal import Linux
public import SystemPackage

/// A file or directory that is placed into a root file system for a command.
public struct InjectedFile: Sendable {
    /// The content of a placement.
    public enum InjectedContent: Sendable {
        /// A file of these bytes.
        case file([UInt8], mode: UInt32, uid: UInt32, gid: UInt32)
        /// A file or directory of the same file system, moved to the target.
        ///
        /// Afterwards it is removed, or moved back if it `isKept`, which is only possible for a directory.
        case moved(FilePath, isKept: Bool)
    }

    /// The content.
    public let source: InjectedContent
    /// Its absolute path.
    ///
    /// Links among its parents are resolved within the root; a link at the path itself is moved aside.
    public let target: FilePath

    /// A placement of `source` at `target`.
    public init(_ source: InjectedContent, at target: FilePath) {
        self.source = source
        self.target = target
    }
}

/// The placements of one command while they are in place.
final class InjectedFiles {
    private let root: Directory
    private let area: Directory
    private let rootPath: FilePath
    private var parents: [Parent] = []
    private var stubs: [(parent: Int, name: FilePath)] = []
    private var entries: [Entry] = []

    /// A directory that holds a placement, and its modification times.
    private struct Parent {
        let directory: Directory
        let inode: UInt64
        let modified: FileTime
        var settled: FileTime
    }

    private struct Entry {
        let parent: Int
        let name: FilePath
        let source: InjectedFile.InjectedContent
        /// The name in the area of the file that was moved aside; nil for none.
        let aside: FilePath?
        /// Its path without links, relative to the root.
        let path: FilePath
        var isPlaced = false
    }

    init(in root: Directory, area: Directory) throws(SystemError) {
        self.root = root
        self.area = area
        rootPath = try root.descriptor.currentPath()
    }

    // MARK: Placing

    /// Puts everything in place, in order.
    ///
    /// After a failure ``restore()`` undoes the completed part.
    func place(_ placements: [InjectedFile]) throws {
        for placement in placements {
            do throws(SystemError) {
                try place(placement)
            } catch {
                throw SandboxError.attachment(placement.target, error)
            }
        }
        for index in parents.indices { parents[index].settled = try parents[index].directory.modified() }
    }

    private func place(_ placement: InjectedFile) throws(SystemError) {
        guard let last = placement.target.lastComponent else {
            throw SystemError("place", placement.target, .invalidArgument)
        }
        let name = FilePath(last.string)
        let parent = try self.parent(of: placement.target)
        let directory = parents[parent].directory
        var aside: FilePath?
        if try directory.exists(name) {
            let free = FilePath("aside.\(UInt64.random(in: 0 ... .max))")
            try directory.rename(name, to: area, free)
            aside = free
        }
        let path = try directory.descriptor.currentPath().appending(name.components).relative(to: rootPath)
        entries.append(Entry(parent: parent, name: name, source: placement.source, aside: aside, path: path))
        try put(placement.source, at: name, in: directory)
        entries[entries.count - 1].isPlaced = true
    }

    private func put(_ source: InjectedFile.InjectedContent, at name: FilePath, in directory: Directory)
        throws(SystemError)
    {
        switch source {
        case .file(let bytes, let mode, let uid, let gid):
            try directory.open(name, [.write, .create, .exclusive], mode: 0o600).write(bytes)
            try directory.setOwner(of: name, uid: uid, gid: gid)
            try directory.setMode(of: name, mode)
        case .moved(let path, _):
            let (holder, old) = try path.holder()
            try holder.rename(old, to: directory, name)
        }
    }

    /// Makes the directory above `target` if it is missing, and returns the index of its record.
    private func parent(of target: FilePath) throws(SystemError) -> Int {
        var prefix = FilePath("/")
        var index = try record(root)
        for component in target.removingLastComponent().components {
            prefix.append(component)
            let name = FilePath(component.string)
            do throws(SystemError) {
                index = try record(root.directory(prefix))
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw error }
                try parents[index].directory.makeDirectory(name, mode: 0o755)
                try parents[index].directory.setMode(of: name, 0o755)
                stubs.append((index, name))
                index = try record(root.directory(prefix))
            }
        }
        return index
    }

    private func record(_ directory: Directory) throws(SystemError) -> Int {
        let status = try directory.descriptor.status()
        if let known = parents.firstIndex(where: { $0.inode == status.inode }) { return known }
        parents.append(
            Parent(directory: directory, inode: status.inode, modified: status.modified, settled: status.modified))
        return parents.count - 1
    }

    // MARK: Restoring

    /// Restores everything, the last first; returns the paths that the command could not change.
    ///
    /// After a failure the rest is still restored; then the first error is thrown.
    func restore() throws -> [FilePath] {
        var failures: [any Error] = []
        func attempt(_ body: () throws -> Void) {
            do { try body() } catch { failures.append(error) }
        }
        let left = try parents.map { try $0.directory.modified() }
        for entry in entries.reversed() { attempt { try restore(entry) } }
        for stub in stubs.reversed() { attempt { try removeStub(stub.name, in: parents[stub.parent].directory) } }
        for (parent, time) in zip(parents, left) {
            // If the command changed the directory too, the time of its change stays.
            attempt { try parent.directory.setModified(of: ".", time == parent.settled ? parent.modified : time) }
        }
        if let failure = failures.first { throw failure }
        return entries.map(\.path)
    }

    private func restore(_ entry: Entry) throws(SystemError) {
        let directory = parents[entry.parent].directory
        if entry.isPlaced, case .moved(let path, true) = entry.source {
            try moveBack(entry.name, in: directory, to: path)
        } else {
            try directory.removeTree(entry.name)
        }
        guard let aside = entry.aside else { return }
        do throws(SystemError) {
            try area.rename(aside, to: directory, entry.name)
        } catch {
            // The command removed the directory, and with it the file that was moved aside.
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            try area.removeTree(aside)
        }
    }

    private func moveBack(_ name: FilePath, in directory: Directory, to path: FilePath) throws(SystemError) {
        let (holder, old) = try path.holder()
        do throws(SystemError) {
            // A link at this path could lead the next use to a file of this machine.
            guard try directory.status(of: name).type == .directory else { return try directory.removeTree(name) }
            try directory.rename(name, to: holder, old)
        } catch {
            // The command removed it; its owner makes a new one.
            guard error.errno == .noSuchFileOrDirectory else { throw error }
        }
    }

    /// Removes a directory unless the command filled it.
    private func removeStub(_ name: FilePath, in directory: Directory) throws(SystemError) {
        do throws(SystemError) {
            try directory.removeDirectory(name)
        } catch {
            guard [.directoryNotEmpty, .noSuchFileOrDirectory, .notDirectory].contains(error.errno) else { throw error }
        }
    }
}

extension Directory {
    fileprivate func modified() throws(SystemError) -> FileTime { try descriptor.status().modified }
}

extension FilePath {
    /// Returns the part below `base`, or the path itself if it is elsewhere.
    fileprivate func relative(to base: FilePath) -> FilePath {
        var rest = self
        return rest.removePrefix(base) ? rest : self
    }

    /// Opens the directory of the path's last component; returns it with that component.
    fileprivate func holder() throws(SystemError) -> (Directory, FilePath) {
        (try Directory(removingLastComponent()), FilePath(lastComponent?.string ?? "."))
    }
}
