// Advisory locks between processes (flock).

internal import Glibc
public import SystemPackage

/// An flock that is held while this value lives, and ends with its process.
public struct Lock: ~Copyable, Sendable {
    /// Who else may hold the lock.
    public enum Mode: Sendable {
        /// Others that only want to share it.
        case shared
        /// Nobody.
        case exclusive
    }

    private let file: OwnedDescriptor

    /// Waits for the lock of the file `path`, making the file where it is missing.
    ///
    /// Blocks the thread: from async code call it inside ``Offload``.
    public init(_ path: FilePath, _ mode: Mode) throws(SystemError) {
        let file = try OwnedDescriptor(path, [.readWrite, .create], mode: 0o600)
        try system("lock", path) { flock(file.rawValue, mode.operation) }
        self.file = file
    }

    /// Takes the lock only where nobody has to be waited for, else gives nil.
    public static func attempt(_ path: FilePath, _ mode: Mode) throws(SystemError) -> Lock? {
        let file = try OwnedDescriptor(path, [.readWrite, .create], mode: 0o600)
        do throws(SystemError) {
            try system("lock", path) { flock(file.rawValue, mode.operation | LOCK_NB) }
        } catch {
            if error.errno == .wouldBlock { return nil }
            throw error
        }
        return Lock(file: file)
    }

    private init(file: consuming OwnedDescriptor) {
        self.file = file
    }

    /// Lets go now.
    public consuming func release() throws(SystemError) {
        try system("unlock") { flock(file.rawValue, LOCK_UN) }
    }
}

extension Lock.Mode {
    fileprivate var operation: Int32 {
        switch self {
        case .shared: LOCK_SH
        case .exclusive: LOCK_EX
        }
    }
}
