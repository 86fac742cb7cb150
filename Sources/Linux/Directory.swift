// Files named relative to an open directory, so that no link in a hostile path leaves it.
//
//     root ──► etc ──► passwd          open("etc/passwd")
//       └────► link → /etc/shadow      open("link") is root/etc/shadow, or an error, depending on Resolution

internal import CLinux
internal import Glibc
public import SystemPackage

/// The rules for links and `..` in a path.
public enum Resolution: Sendable {
    /// As after chroot: `/` and `..` stop at the directory, links are resolved within it; use this for images.
    case inRoot
    /// As written: a path that would leave the directory is an error (EXDEV), even `/`.
    case beneath
    /// No link at all is followed (ELOOP).
    case withoutLinks
}

/// An open directory, to which paths are relative.
public final class Directory: Sendable {
    /// The open descriptor.
    public let descriptor: OwnedDescriptor
    /// Its name when it was opened, for messages.
    public let path: FilePath
    /// The rules by which paths below it are resolved.
    public let resolution: Resolution

    /// Opens the directory `path` of the host.
    public init(_ path: FilePath, resolution: Resolution = .inRoot) throws(SystemError) {
        descriptor = try OwnedDescriptor(path, [.read, .directory])
        self.path = path
        self.resolution = resolution
    }

    /// Takes over a descriptor that is open on a directory; `path` is for messages.
    public init(owning descriptor: consuming OwnedDescriptor, path: FilePath, resolution: Resolution = .inRoot) {
        self.descriptor = descriptor
        self.path = path
        self.resolution = resolution
    }

    /// Makes the directory `path` of the host and its missing parents, then opens it.
    public static func make(_ path: FilePath, mode: UInt32 = 0o755) throws(SystemError) -> Directory {
        var prefix = FilePath(root: path.root, [])
        for component in path.components {
            prefix.append(component)
            let made = unsafe prefix.withPlatformString { unsafe mkdir($0, mode) }
            if made != 0, Glibc.errno != EEXIST { throw SystemError(last: "make directory", prefix) }
        }
        return try Directory(path)
    }

    /// Opens a file below this directory.
    public func open(
        _ path: FilePath, _ flags: OpenFlags = .read, mode: UInt32 = 0o666
    ) throws(SystemError) -> OwnedDescriptor {
        let number = try system("open", place(path)) {
            unsafe path.withPlatformString {
                unsafe clinux_openat2(descriptor.rawValue, $0, flags.rawValue, mode, resolution.bits)
            }
        }
        return OwnedDescriptor(owning: number)
    }

    /// Opens a directory below this one; paths below that one are resolved within it.
    public func directory(_ path: FilePath) throws(SystemError) -> Directory {
        Directory(owning: try open(path, [.read, .directory]), path: place(path), resolution: resolution)
    }

    /// Reads a whole file below this directory.
    ///
    /// - Throws: ``SystemError`` with EFBIG if it is larger than `limit` bytes.
    public func contents(of path: FilePath, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try open(path, [.read, .nonBlocking])
        guard try file.status().type == FileType.regular else {
            throw SystemError("read", place(path), .invalidArgument)
        }
        do throws(SystemError) {
            return try file.readAll(limit: limit)
        } catch {
            throw SystemError(error.operation, place(path), error.errno)
        }
    }

    /// Writes the directory's entries to the disk (fsync).
    public func sync() throws(SystemError) {
        try system("sync", path) { fsync(descriptor.rawValue) }
    }

    /// Returns `path` for messages.
    func place(_ path: FilePath) -> FilePath {
        self.path.appending(path.components)
    }

    /// Runs `body` with the directory of the last component of `path`, and that component with a final NUL.
    ///
    /// The component is `.` for the directory itself. A last component of `..` is an error: it names no entry.
    @discardableResult
    func entry<R>(
        _ operation: String, path: FilePath, body: (_ parent: Int32, _ name: [CChar]) throws(SystemError) -> R
    ) throws(SystemError) -> R {
        let (parent, name) = path.parentAndName
        guard name != [0x2e, 0x2e, 0] else { throw SystemError(operation, place(path), .invalidArgument) }
        guard let parent else { return try body(descriptor.rawValue, name) }
        let holder = try open(parent, [.path, .directory])
        return try body(holder.rawValue, name)
    }
}

extension FilePath {
    /// The path before the last component, and that component as a C string.
    ///
    /// The parent is nil if it is empty or the root; the name is `.` if there is none. This works on bytes: iterating
    /// over components costs more than the system calls.
    var parentAndName: (parent: FilePath?, name: [CChar]) {
        let text = unsafe withPlatformString { unsafe Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1)) }
        guard let slash = text.lastIndex(of: 0x2f) else { return (nil, text.count == 1 ? [0x2e, 0] : text) }
        let name = text.count == slash + 2 ? [0x2e, 0] : Array(text[(slash + 1)...])
        return (slash == 0 ? nil : FilePath(platformString: text[..<slash] + [0]), name)
    }
}

extension Resolution {
    fileprivate var bits: UInt64 {
        switch self {
        case .inRoot: UInt64(clinux_resolve_in_root | clinux_resolve_no_magiclinks)
        case .beneath: UInt64(clinux_resolve_beneath | clinux_resolve_no_magiclinks)
        case .withoutLinks: UInt64(clinux_resolve_beneath | clinux_resolve_no_symlinks)
        }
    }
}
