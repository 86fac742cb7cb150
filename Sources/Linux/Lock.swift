// Advisory locks between processes (flock).

internal import Glibc
public import SystemPackage

/// An flock that is held as long as this value exists, and ends with its process.
public struct Lock: ~Copyable, Sendable {
    /// The other processes that may hold the lock at the same time.
    public enum Mode: Sendable {
        /// Others with a shared lock.
        case shared
        /// No others.
        case exclusive
    }

    /// The locked file; nil if there was none to lock.
    private let file: OwnedDescriptor?

    /// Waits for the lock of the file `path`; makes the file if it is missing.
    ///
    /// Blocks the thread: from async code call it inside ``Offload``.
    public init(_ path: FilePath, _ mode: Mode) throws(SystemError) {
        let file = try OwnedDescriptor(path, [.readWrite, .create], mode: 0o600)
        try system("lock", path) { flock(file.rawValue, mode.operation) }
        self.file = consume file
    }

    /// Takes the lock if no other process holds it, else returns nil.
    public static func attempt(_ path: FilePath, _ mode: Mode) throws(SystemError) -> Lock? {
        let file = try OwnedDescriptor(path, [.readWrite, .create], mode: 0o600)
        do throws(SystemError) {
            try system("lock", path) { flock(file.rawValue, mode.operation | LOCK_NB) }
        } catch {
            if error.errno == .wouldBlock { return nil }
            throw error
        }
        return Lock(file: consume file)
    }

    /// Waits for the shared lock of a file that this process may not be allowed to write or open.
    ///
    /// If it can't be opened, the value holds no lock.
    public static func forReading(_ path: FilePath) throws(SystemError) -> Lock {
        guard let number = try opened(forReading: path) else { return Lock(file: nil) }
        let file = OwnedDescriptor(owning: number)
        try system("lock", path) { flock(number, Mode.shared.operation) }
        return Lock(file: consume file)
    }

    /// Opens the file, or makes it; nil if it can't be read.
    private static func opened(forReading path: FilePath) throws(SystemError) -> Int32? {
        do throws(SystemError) {
            return try OwnedDescriptor(path, [.readWrite, .create], mode: 0o600).release()
        } catch {
            guard error.refusesWriting else { throw error }
        }
        do throws(SystemError) {
            return try OwnedDescriptor(path, .read).release()
        } catch {
            guard error.refusesWriting || error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
    }

    private init(file: consuming OwnedDescriptor?) {
        self.file = consume file
    }

    /// Releases the lock now.
    public consuming func release() throws(SystemError) {
        switch file {
        case .some(let file): try system("unlock") { flock(file.rawValue, LOCK_UN) }
        case .none: return
        }
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
