// Removal of a directory with all its content, at any depth and with any permissions.

internal import CLinux
internal import Glibc
public import SystemPackage

extension Directory {
    /// Removes an entry and, if it is a directory, everything below it; a missing entry is no error.
    ///
    /// Links are removed, never followed. One descriptor is open at a time and nothing recurses, so any depth is
    /// possible. A directory without permission bits is made accessible first, which only its owner can do.
    public func removeTree(_ path: FilePath) throws(SystemError) {
        do throws(SystemError) {
            guard try status(of: path).type == .directory else { return try remove(path) }
            try entry("remove", path: path) { (parent, name) throws(SystemError) in
                let descriptor = try TreeRemoval.open(parent, name: name, path: place(path))
                var removal = TreeRemoval(descriptor, place(path))
                try removal.run()
            }
            try removeDirectory(path)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
        }
    }
}

/// Walks down by name and up by `..`; on the way up it checks that `..` is the directory it came from.
private struct TreeRemoval: ~Copyable {
    private struct Level {
        let inode: UInt64
        let device: UInt64
        var names: [[UInt8]]
    }

    private var current: OwnedDescriptor
    private var levels: [Level] = []
    private let path: FilePath

    init(_ top: consuming OwnedDescriptor, _ path: FilePath) {
        current = top
        self.path = path
    }

    static func open(_ parent: Int32, name: [CChar], path: FilePath) throws(SystemError)
        -> OwnedDescriptor
    {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
        let number = unsafe clinux_openat(parent, name, flags, 0)
        if number >= 0 { return OwnedDescriptor(owning: number) }
        guard Glibc.errno == EACCES else { throw SystemError(last: "remove", path) }
        let place = OwnedDescriptor(
            owning: try system("remove", path) {
                unsafe clinux_openat(parent, name, Int32(clinux_o_path) | O_DIRECTORY | O_NOFOLLOW, 0)
            })
        try system("remove", path) { unsafe chmod("/proc/self/fd/\(place.rawValue)", 0o700) }
        return OwnedDescriptor(owning: try system("remove", path) { unsafe clinux_openat(parent, name, flags, 0) })
    }

    mutating func run() throws(SystemError) {
        try enter()
        while let name = levels.last?.names.last {
            if try isRemoved(name) {
                levels[levels.count - 1].names.removeLast()
                try leaveEmptied()
            } else {
                current = try Self.open(current.rawValue, name: name.cString, path: path)
                try enter()
                try leaveEmptied()
            }
        }
    }

    /// Records the open directory and its entries.
    private mutating func enter() throws(SystemError) {
        let status = try current.status()
        let names = try EntryList.read(current, path).map(\.name)
        levels.append(Level(inode: status.inode, device: status.device, names: names))
    }

    /// Goes up as long as the directory is empty, and removes it from its parent.
    private mutating func leaveEmptied() throws(SystemError) {
        while let level = levels.last, level.names.isEmpty, levels.count > 1 {
            levels.removeLast()
            let parent = OwnedDescriptor(
                owning: try system("remove", path) {
                    unsafe clinux_openat(current.rawValue, "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
                })
            let status = try parent.status()
            guard let expected = levels.last, status.inode == expected.inode, status.device == expected.device else {
                throw SystemError("remove", path, .staleNFSFileHandle)
            }
            current = parent
            guard let name = levels[levels.count - 1].names.popLast() else { continue }
            try unlink(name, AT_REMOVEDIR)
        }
    }

    /// Removes an entry unless it is a directory; false if it is one.
    private func isRemoved(_ name: [UInt8]) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try unlink(name, 0)
            return true
        } catch {
            // POSIX specifies EPERM for a directory, Linux returns EISDIR. Any other EPERM recurs when the directory is
            // opened.
            guard error.errno == .isDirectory || error.errno == .notPermitted else { throw error }
            return false
        }
    }

    private func unlink(_ name: [UInt8], _ flags: Int32) throws(SystemError) {
        try system("remove", path) {
            unsafe unlinkat(current.rawValue, name.cString, flags)
        }
    }
}

extension [UInt8] {
    fileprivate var cString: [CChar] {
        map { CChar(bitPattern: $0) } + [0]
    }
}
