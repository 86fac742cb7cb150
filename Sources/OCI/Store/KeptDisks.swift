internal import Glibc
internal import Linux
public import SystemPackage

/// The disks of images that were started, so that the next start need not write them again.
///
/// A disk depends only on the image's layers and on the version of its format: `thaw/disks/CHAINID.VERSION`. A
/// collection removes the disks of stacks of layers that no image has.
extension Store {
    static let disks: FilePath = "thaw/disks"

    /// Returns the disk of a stack of layers, and marks it as used; nil if there is none.
    public func disk(of chain: Digest, version: Int) throws -> FilePath? {
        let relative = Self.diskPath(of: chain, version: version)
        guard try root.exists(relative) else { return nil }
        let now = FileTime(seconds: Int64(Glibc.time(nil)))
        // Another user's store can't be marked.
        _ = try? root.setModified(of: relative, now)
        return path.appending(relative.components)
    }

    /// Keeps a disk that `write` makes at the given path, and returns its path; nil if this store can't be written.
    ///
    /// Other errors are those of `write`.
    public func keepDisk(
        of chain: Digest, version: Int, _ write: (FilePath) async throws -> Void
    ) async throws -> FilePath? {
        let name = "new.\(UInt64.random(in: 0 ... .max))"
        guard try canMakeDisks() else { return nil }
        let pending = Self.disks.appending(name)
        do {
            try await write(path.appending(pending.components))
            // A crash must not leave a damaged disk under its final name.
            try root.open(pending, .read).sync()
            let kept = Self.diskPath(of: chain, version: version)
            try root.rename(pending, to: kept)
            return path.appending(kept.components)
        } catch {
            // The error of `write` is reported; the next collection removes the file.
            try? root.remove(pending)
            throw error
        }
    }

    /// Makes the directory; false if this store can't be written.
    private func canMakeDisks() throws -> Bool {
        do throws(SystemError) {
            try root.makeDirectories(Self.disks, mode: 0o700)
            return true
        } catch {
            let refusals: [Errno] = [.permissionDenied, .readOnlyFileSystem, .notPermitted]
            guard refusals.contains(error.errno) else { throw error }
            return false
        }
    }

    private static func diskPath(of chain: Digest, version: Int) -> FilePath {
        disks.appending("\(chain.hex).\(version)")
    }

    /// Returns the stack of layers that a file of the directory is the disk of; nil for an unfinished one.
    static func chain(ofDisk name: String) -> Digest? {
        name.split(separator: ".").first.flatMap { try? Digest("sha256:\($0)") }
    }
}
