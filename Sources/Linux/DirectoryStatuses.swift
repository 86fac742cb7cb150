// The status of all entries of a directory in one call, and entries by the bytes of their names, without the cost of
// paths, for directories with tens of thousands of files.

internal import CLinux
internal import Glibc
public import SystemPackage

extension Directory {
    /// Returns this directory's entries with their status, sorted by the bytes of the names; links are not followed.
    ///
    /// An entry that is removed meanwhile is left out.
    public func statuses() throws(SystemError) -> [(name: [UInt8], status: FileStatus)] {
        var result: [(name: [UInt8], status: FileStatus)] = []
        let entries = try entries()
        result.reserveCapacity(entries.count)
        var name: [CChar] = []
        for entry in entries {
            name.removeAll(keepingCapacity: true)
            for byte in entry.name { name.append(CChar(bitPattern: byte)) }
            name.append(0)
            var raw = stat()
            let code = unsafe fstatat(descriptor.rawValue, name, &raw, AT_SYMLINK_NOFOLLOW)
            if code == 0 {
                result.append((entry.name, try FileStatus(raw)))
            } else if Glibc.errno != ENOENT {
                throw SystemError(last: "stat", path)
            }
        }
        return result
    }

    /// Opens an entry of this directory for reading; a link is not followed, and a FIFO doesn't block.
    public func open(entry name: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
        return OwnedDescriptor(
            owning: try system("open", path) {
                unsafe clinux_openat(descriptor.rawValue, Self.cString(name), flags, 0)
            })
    }

    /// Reads a whole file that is an entry of this directory; a link is not followed.
    ///
    /// - Throws: ``SystemError`` with EFBIG if it is larger than `limit` bytes.
    public func contents(ofEntry name: [UInt8], limit: Int) throws(SystemError) -> [UInt8] {
        let file = try open(entry: name)
        let status = try file.status()
        guard status.type == .regular else { throw SystemError("read", path, .invalidArgument) }
        guard status.size <= limit else { throw SystemError("read", path, .fileTooLarge) }
        let bytes = try file.read(Int(status.size) + 1)
        return bytes.count > status.size ? bytes + (try file.readAll(limit: limit - bytes.count)) : bytes
    }

    /// Removes an entry of this directory that is not a directory; a missing one is no error.
    public func remove(entry name: [UInt8]) throws(SystemError) {
        let code = unsafe unlinkat(descriptor.rawValue, Self.cString(name), 0)
        if code != 0, Glibc.errno != ENOENT { throw SystemError(last: "remove", path) }
    }

    private static func cString(_ name: [UInt8]) -> [CChar] { name.map { CChar(bitPattern: $0) } + [0] }

    /// Returns an entry's birth time; nil if its file system doesn't record it.
    public func birth(of path: FilePath) throws(SystemError) -> FileTime? {
        try entry("stat", path: path) { (parent, name) throws(SystemError) in
            var time: [Int64] = [0, 0]
            let code = try system("stat", place(path)) { unsafe clinux_birth(parent, name, &time) }
            return code == 0 ? FileTime(seconds: time[0], nanoseconds: time[1]) : nil
        }
    }
}
