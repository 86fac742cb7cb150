// Extended attributes of an entry; of a link, the link's own.

internal import CLinux
internal import Glibc
public import SystemPackage

extension Directory {
    /// Returns the names of an entry's attributes, sorted; empty if the file system supports none.
    public func attributeNames(of path: FilePath) throws(SystemError) -> [String] {
        try attribute("list attributes", path: path) { (link) throws(SystemError) in
            // Few files have any, so the buffer is allocated only for those.
            let size = unsafe llistxattr(link, nil, 0)
            if size == 0 || (size < 0 && Glibc.errno == EOPNOTSUPP) { return [] }
            var buffer = [CChar](repeating: 0, count: 1 << 16)  // XATTR_LIST_MAX
            let count = unsafe llistxattr(link, &buffer, buffer.count)
            guard count >= 0 else { throw SystemError(last: "list attributes", place(path)) }
            return buffer[..<count].split(separator: 0)
                .map { String(decoding: $0.map { UInt8(bitPattern: $0) }, as: UTF8.self) }
                .sorted()
        }
    }

    /// True if an entry of this directory has an attribute; a link is not followed.
    ///
    /// For walks over many files: one system call, without a search for the directory.
    public func hasAttributes(entry name: [UInt8]) throws(SystemError) -> Bool {
        var link = Array("/proc/self/fd/\(descriptor.rawValue)/".utf8.map { CChar(bitPattern: $0) })
        for byte in name { link.append(CChar(bitPattern: byte)) }
        link.append(0)
        let size = unsafe llistxattr(link, nil, 0)
        if size >= 0 { return size > 0 }
        if Glibc.errno == EOPNOTSUPP { return false }
        throw SystemError(last: "list attributes", path)
    }

    /// Returns the value of one attribute; nil if the entry doesn't have it.
    public func attribute(_ key: String, of path: FilePath) throws(SystemError) -> [UInt8]? {
        try attribute("get attribute", path: path) { (link) throws(SystemError) in
            var buffer = [UInt8](repeating: 0, count: 1 << 16)  // XATTR_SIZE_MAX
            let count = unsafe lgetxattr(link, key, &buffer, buffer.count)
            if count < 0, Glibc.errno == ENODATA || Glibc.errno == EOPNOTSUPP { return nil }
            guard count >= 0 else { throw SystemError(last: "get attribute \(key)", place(path)) }
            return Array(buffer[..<count])
        }
    }

    /// Sets one attribute of an entry, and replaces its old value.
    public func setAttribute(_ key: String, of path: FilePath, to value: [UInt8]) throws(SystemError) {
        try attribute("set attribute", path: path) { (link) throws(SystemError) in
            try system("set attribute \(key)", place(path)) { unsafe lsetxattr(link, key, value, value.count, 0) }
            return
        }
    }

    /// Runs `body` with a path of the entry below a descriptor's link in /proc.
    ///
    /// Before Linux 6.13 the kernel has no *at form of these calls.
    private func attribute<R>(
        _ operation: String, path: FilePath, body: (_ link: [CChar]) throws(SystemError) -> R
    ) throws(SystemError) -> R {
        try entry(operation, path: path) { (parent, name) throws(SystemError) in
            try body("/proc/self/fd/\(parent)/".utf8.map { CChar(bitPattern: $0) } + name)
        }
    }
}
