// The status of all entries of a directory in one call, for directories with tens of thousands of files.

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

    /// Returns an entry's birth time; nil if its file system doesn't record it.
    public func birth(of path: FilePath) throws(SystemError) -> FileTime? {
        try entry("stat", path: path) { (parent, name) throws(SystemError) in
            var time: [Int64] = [0, 0]
            let code = try system("stat", place(path)) { unsafe clinux_birth(parent, name, &time) }
            return code == 0 ? FileTime(seconds: time[0], nanoseconds: time[1]) : nil
        }
    }
}
