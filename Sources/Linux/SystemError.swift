// One system call, its failure, and the sentence that tells it.

internal import Glibc
public import SystemPackage

/// A system call that the kernel refused.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was tried, in words: `mount overlay`, `open`.
    public let operation: String
    /// What it was tried on, where it was a path.
    public let path: FilePath?
    /// The kernel's reason.
    public let errno: Errno

    /// A refusal whose errno the caller already knows.
    public init(_ operation: String, _ path: FilePath?, _ errno: Errno) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    /// The refusal of the call that this thread made last.
    init(last operation: String, _ path: FilePath?) {
        self.init(operation, path, Errno(rawValue: Glibc.errno))
    }

    /// True if this process may not write there, whatever the reason.
    public var refusesWriting: Bool {
        [.readOnlyFileSystem, .permissionDenied, .notPermitted].contains(errno)
    }

    /// The sentence: `mount overlay '/x': Permission denied`.
    public var description: String {
        let place = path.map { " '\($0.string)'" } ?? ""
        return "\(operation)\(place): \(errno)"
    }
}

/// Runs one system call, restarting it after EINTR.
///
/// - Returns: what the call returned, which is never negative.
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
