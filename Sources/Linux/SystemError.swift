// A failed system call as an error with one sentence.

internal import Glibc
public import SystemPackage

/// A system call that failed.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The operation for messages: `mount overlay`, `open`.
    public let operation: String
    /// The path of the operation, if it had one.
    public let path: FilePath?
    /// The kernel's reason.
    public let errno: Errno

    /// A failure with a known errno.
    public init(_ operation: String, _ path: FilePath?, _ errno: Errno) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    /// The failure of the last call of this thread.
    init(last operation: String, _ path: FilePath?) {
        self.init(operation, path, Errno(rawValue: Glibc.errno))
    }

    /// True if this process may not write there, for any reason.
    public var refusesWriting: Bool {
        [.readOnlyFileSystem, .permissionDenied, .notPermitted].contains(errno)
    }

    /// The message: `mount overlay '/x': Permission denied`.
    public var description: String {
        let place = path.map { " '\($0.string)'" } ?? ""
        return "\(operation)\(place): \(errno)"
    }
}

/// Runs one system call, and retries it after EINTR.
///
/// - Returns: The result of the call, never negative.
/// - Throws: ``SystemError`` with the kernel's errno.
@discardableResult
public func system<R: FixedWidthInteger>(
    _ operation: String, _ path: @autoclosure () -> FilePath? = nil, _ body: () -> R
) throws(SystemError) -> R {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = Glibc.errno
        if code != EINTR { throw SystemError(operation, path(), Errno(rawValue: code)) }
    }
}
