import Glibc
import Linux
import OCI
import SystemPackage

/// The tools of this host that can check a disk.
enum DiskCheckers {
    /// True if this process may mount, and the kernel supports EROFS.
    static let canMount: Bool = {
        let known = try? Directory("/proc").contents(of: "filesystems", limit: 1 << 16)
        return geteuid() == 0 && String(decoding: known ?? [], as: UTF8.self).contains("erofs")
    }()

    /// True if a command of that name is installed.
    static func has(_ command: String) -> Bool { (try? run("sh", "-c", "command -v \(command) >/dev/null")) != nil }

    struct Failure: Error { let command: String, status: Int32 }

    /// Runs a command and waits for it.
    ///
    /// - Throws: ``Failure`` unless it exits with 0.
    static func run(_ arguments: String...) throws {
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var process: pid_t = 0
        let result = unsafe posix_spawnp(&process, arguments[0], nil, nil, &words, environ)
        guard result == 0 else { throw Failure(command: arguments[0], status: result) }
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { throw Failure(command: arguments.joined(separator: " "), status: status) }
    }

    /// Mounts `disk` on a directory beside it during `body`.
    static func mounted<R>(_ disk: FilePath, _ body: (FilePath) throws -> R) throws -> R {
        let place = FilePath(disk.string + ".mount")
        _ = try Directory.make(place)
        try run("mount", "-t", "erofs", "-o", "loop,ro", disk.string, place.string)
        let result = Result { try body(place) }
        // Lazily: a child that another test has just cloned holds every descriptor until it executes its command.
        try run("umount", "--lazy", place.string)
        return try result.get()
    }
}

/// The results of `lstat`, `read`, `readlink` and `getxattr` for all files below a directory.
struct Snapshot: Equatable {
    struct File: Equatable {
        let type: Linux.FileType
        let mode, uid, gid, major, minor: UInt32
        let size: Int64
        let modified: FileTime
        let linkCount: UInt64
        /// The first path of the same file.
        let sameAs: String
        let content: Digest?
        let target: [UInt8]?
        let attributes: [String: [UInt8]]
    }

    /// The files by path; names that are no UTF-8 are escaped.
    private(set) var files: [String: File] = [:]
    private var seen: [UInt64: String] = [:]

    /// Reads everything below `path`; attributes only on demand, because that is slow without optimization.
    init(of path: FilePath, withAttributes: Bool) throws {
        let root = try Directory(path)
        var pending = [FilePath()]
        while let next = pending.popLast() {
            try add(next, in: root, withAttributes)
            guard try root.status(of: next).type == .directory else { continue }
            for entry in try root.directory(next.isEmpty ? "." : next).entries().reversed() {
                pending.append(next.appending(FilePath(bytes: entry.name).components))
            }
        }
    }

    private mutating func add(_ path: FilePath, in root: Directory, _ withAttributes: Bool) throws {
        let status = try root.status(of: path)
        let name = path.bytes.map { $0 < 127 ? String(UnicodeScalar($0)) : "%\($0)" }.joined()
        let first = seen[status.inode] ?? name
        seen[status.inode] = first
        var attributes: [String: [UInt8]] = [:]
        for key in withAttributes ? try root.attributeNames(of: path) : [] {
            attributes[key] = try root.attribute(key, of: path)
        }
        files[name] = File(
            type: status.type, mode: status.mode, uid: status.uid, gid: status.gid, major: status.major,
            minor: status.minor, size: status.type == .directory ? Int64(0) : status.size, modified: status.modified,
            linkCount: status.linkCount, sameAs: first,
            content: status.type == .regular
                ? Digest(of: try root.contents(of: path, limit: 1 << 30)) : nil,
            target: status.type == .symbolicLink ? try root.target(ofLink: path) : nil, attributes: attributes)
    }

    /// Describes the differences; empty if there are none.
    func differences(from other: Snapshot) -> [String] {
        Set(files.keys).union(other.files.keys).sorted().compactMap { path in
            files[path] == other.files[path]
                ? nil : "\(path): \(String(describing: files[path])) is not \(String(describing: other.files[path]))"
        }
    }
}
