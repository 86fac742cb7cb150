// A file descriptor with exactly one owner.

internal import CLinux
internal import Glibc
public import SystemPackage

/// How a file is opened; close-on-exec is not a choice.
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
    /// Make the file where it is missing.
    public static let create = OpenFlags(rawValue: O_CREAT)
    /// With ``create``: fail where the file exists.
    public static let exclusive = OpenFlags(rawValue: O_EXCL)
    /// Cut the file to nothing.
    public static let truncate = OpenFlags(rawValue: O_TRUNC)
    /// Every write goes to the end.
    public static let append = OpenFlags(rawValue: O_APPEND)
    /// Fail on anything but a directory.
    public static let directory = OpenFlags(rawValue: O_DIRECTORY)
    /// Fail where the last component is a symbolic link.
    public static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
    /// A place in the tree, neither read nor written.
    public static let path = OpenFlags(rawValue: Int32(clinux_o_path))
    /// Never wait, as for a FIFO that nobody holds.
    public static let nonBlocking = OpenFlags(rawValue: O_NONBLOCK)
}

/// A file descriptor that is closed when its owner lets go.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, valid while this value lives.
    public let rawValue: Int32

    /// Takes over `rawValue`; nobody else may close it.
    public init(owning rawValue: Int32) {
        precondition(rawValue >= 0, "a descriptor is never negative")
        self.rawValue = rawValue
    }

    /// Opens `path`, following links as the kernel does.
    ///
    /// Not for paths inside an image: those go through ``Directory``.
    public init(_ path: FilePath, _ flags: OpenFlags = .read, mode: UInt32 = 0o666) throws(SystemError) {
        rawValue = try system("open", path) {
            unsafe path.withPlatformString { unsafe clinux_openat(AT_FDCWD, $0, flags.rawValue, mode) }
        }
    }

    deinit {
        _ = Glibc.close(rawValue)
    }

    /// Closes now and says whether the kernel kept everything that was written.
    public consuming func close() throws(SystemError) {
        let number = release()
        // EINTR: Linux has closed the descriptor all the same, so there is nothing to repeat.
        if Glibc.close(number) != 0, Glibc.errno != EINTR { throw SystemError(last: "close", nil) }
    }

    /// Gives the number away; the caller closes it.
    public consuming func release() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    /// A second descriptor for the same open file.
    public func duplicate() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(owning: try system("duplicate descriptor") { clinux_dup(rawValue) })
    }
}
