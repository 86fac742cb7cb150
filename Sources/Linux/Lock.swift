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

    /// Nil for a lock that nothing is there to hold.
    private let file: OwnedDescriptor?

    /// Waits for the lock of the file `path`, making the file where it is missing.
    ///
    /// Blocks the thread: from async code call it inside ``Offload``.
    public init(_ path: FilePath, _ mode: Mode) throws(SystemError) {
        let file = try OwnedDescriptor(path, [.readWrite, .create], mode: 0o600)
        try system("lock", path) { flock(file.rawValue, mode.operation) }
        self.file = consume file
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
        return Lock(file: consume file)
    }

    /// Waits for the shared lock of a file that this process may not be allowed to write, or even to open. In the last
    /// case the value holds no lock: nothing can be locked that can't be opened.
    public static func forReading(_ path: FilePath) throws(SystemError) -> Lock {
        guard let number = try opened(forReading: path) else { return Lock(file: nil) }
        let file = OwnedDescriptor(owning: number)
        try system("lock", path) { flock(number, Mode.shared.operation) }
        return Lock(file: consume file)
    }

    /// A descriptor of the file, made where that is possible; nil where it can't even be read.
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

    /// Lets go now.
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
