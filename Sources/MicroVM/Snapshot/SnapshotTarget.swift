internal import Glibc
internal import Linux
internal import SystemPackage

/// A temporary file that gets the snapshot's name once it is complete, and is removed otherwise.
final class SnapshotTarget: Sendable {
    /// Open for writing, and empty at first.
    let file: OwnedDescriptor
    private let partial: FilePath
    private let path: FilePath

    /// Creates the file with mode 0600: a guest's memory is for its owner alone.
    init(_ path: FilePath) throws(MachineError) {
        self.path = path
        partial = FilePath(path.string + ".\(UInt64.random(in: .min ... .max)).partial")
        do throws(SystemError) {
            file = try OwnedDescriptor(partial, [.readWrite, .create, .exclusive], mode: 0o600)
        } catch { throw .host(error.operation, error.path, error.errno) }
    }

    deinit { unsafe unlink(partial.string) }

    /// Renames the file to its final name.
    func commit() throws(MachineError) {
        do throws(SystemError) { try system("rename", path) { unsafe rename(partial.string, path.string) } } catch {
            throw .host(error.operation, error.path, error.errno)
        }
    }
}
