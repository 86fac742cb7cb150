// A file descriptor with exactly one owner.

internal import CLinux
internal import Glibc
public import SystemPackage

/// Flags for opening a file; close-on-exec is always set.
public struct OpenFlags: OptionSet, Sendable {
    /// The kernel's bits.
    public let rawValue: Int32

    /// Flags from the kernel's bits.
    public init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// Reading only.
    public static let read = OpenFlags(rawValue: O_RDONLY)
    /// Writing only.
    public static let write = OpenFlags(rawValue: O_WRONLY)
    /// Reading and writing.
    public static let readWrite = OpenFlags(rawValue: O_RDWR)
    /// Makes the file if it is missing.
    public static let create = OpenFlags(rawValue: O_CREAT)
    /// With ``create``: fails if the file exists.
    public static let exclusive = OpenFlags(rawValue: O_EXCL)
    /// Truncates the file to 0 bytes.
    public static let truncate = OpenFlags(rawValue: O_TRUNC)
    /// Appends every write to the end.
    public static let append = OpenFlags(rawValue: O_APPEND)
    /// Fails for anything other than a directory.
    public static let directory = OpenFlags(rawValue: O_DIRECTORY)
    /// Fails if the last component is a symbolic link.
    public static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
    /// Only names the file: it can't be read or written (O_PATH).
    public static let path = OpenFlags(rawValue: Int32(clinux_o_path))
    /// Never waits, as for a FIFO without a peer.
    public static let nonBlocking = OpenFlags(rawValue: O_NONBLOCK)
}

/// A file descriptor that is closed when its owner releases it.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The descriptor's number, valid as long as this value exists.
    public let rawValue: Int32

    /// Takes ownership of `rawValue`; no other code may close it.
    public init(owning rawValue: Int32) {
        precondition(rawValue >= 0, "a descriptor is never negative")
        self.rawValue = rawValue
    }

    /// Opens `path`, following links as the kernel does.
    ///
    /// Not for paths inside an image: open those with ``Directory``.
    public init(_ path: FilePath, _ flags: OpenFlags = .read, mode: UInt32 = 0o666) throws(SystemError) {
        rawValue = try system("open", path) {
            unsafe path.withPlatformString { unsafe clinux_openat(AT_FDCWD, $0, flags.rawValue, mode) }
        }
    }

    deinit {
        _ = Glibc.close(rawValue)
    }

    /// Closes the descriptor now; throws if the kernel couldn't keep all written data.
    public consuming func close() throws(SystemError) {
        let number = release()
        // EINTR: Linux has closed the descriptor anyway, so a retry would be wrong.
        if Glibc.close(number) != 0, Glibc.errno != EINTR { throw SystemError(last: "close", nil) }
    }

    /// Releases ownership and returns the number; the caller closes it.
    public consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    /// Returns a second descriptor of the same open file.
    public func duplicate() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(owning: try system("duplicate descriptor") { clinux_dup(rawValue) })
    }
}
