// Atomic replacement of files: a reader sees the old content or the new, never a part.

internal import Glibc
public import SystemPackage

extension Directory {
    /// Writes a temporary file, syncs it, renames it to `path`, and syncs the directory.
    ///
    /// When this returns, the new content survives a crash; when it throws, the old file is unchanged. Files that can
    /// be made again need no syncing: after a crash there may be either file, or an empty one.
    public func replace(
        _ path: FilePath, mode: UInt32 = 0o644, isSynced: Bool = true,
        _ write: (borrowing OwnedDescriptor) throws -> Void
    ) throws {
        guard let name = path.lastComponent, name.kind == .regular else {
            throw SystemError("replace", place(path), .invalidArgument)
        }
        let parent = path.removingLastComponent()
        let holder = parent.components.isEmpty ? self : try directory(parent)
        let temporary = FilePath(".\(name.string).\(getpid()).\(UInt32.random(in: 0 ... .max))")
        let file = try holder.open(temporary, [.readWrite, .create, .exclusive], mode: mode)
        do {
            try write(file)
            if isSynced { try file.sync() }
            try file.close()
            try holder.rename(temporary, to: FilePath(root: nil, [name]))
        } catch {
            try? holder.remove(temporary)
            throw error
        }
        if isSynced { try holder.sync() }
    }

    /// Replaces a file's content with these bytes.
    public func replace(
        _ path: FilePath, with bytes: [UInt8], mode: UInt32 = 0o644, isSynced: Bool = true
    ) throws {
        try replace(path, mode: mode, isSynced: isSynced) { try $0.write(bytes) }
    }
}
