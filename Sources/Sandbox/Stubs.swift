// Mount points missing in the root file system: made for the container, removed after its end.

internal import CLinux
internal import Glibc
internal import Linux
internal import SystemPackage

/// A file or directory that the child made as a mount point, and its parent directory's times.
struct Stub: Sendable, Equatable {
    let path: FilePath
    let isDirectory: Bool
    let parentModified: FileTime
    let parentSettled: FileTime
}

/// The records that the child wrote to the report file.
struct ChildReport: Sendable {
    var stubs: [Stub] = []
    var failure: (step: Int, errno: Errno)?

    /// Parses the records of clinux_report up to the last complete one.
    init(_ bytes: [UInt8]) {
        let size = MemoryLayout<clinux_report>.size
        var rest = bytes[...]
        while rest.count >= size {
            let header = unsafe rest.withUnsafeBytes { unsafe $0.loadUnaligned(as: clinux_report.self) }
            let length = Int(header.path_length)
            guard length >= 0, rest.count >= size + length else { return }
            let path = rest.dropFirst(size).prefix(length)
            rest = rest.dropFirst(size + length)
            if header.kind == Int32(clinux_report_failure) {
                failure = (Int(header.step), Errno(rawValue: header.error))
            } else {
                stubs.append(
                    Stub(
                        path: FilePath(bytes: path), isDirectory: header.is_directory != 0,
                        parentModified: FileTime(seconds: header.modified.0, nanoseconds: header.modified.1),
                        parentSettled: FileTime(seconds: header.settled.0, nanoseconds: header.settled.1)))
            }
        }
    }
}

extension Overlay {
    /// Removes the stubs from `upper`, newest first, and restores its earlier state.
    ///
    /// A stub that the command filled stays. The parent directory gets its old time back, unless the command changed it
    /// too. A parent that was copied up only for the stubs is removed.
    func remove(_ stubs: [Stub]) throws(SystemError) {
        let directory = try Directory(upper)
        var parents: [FilePath] = []
        for parent in stubs.map({ $0.path.removingLastComponent() }) where !parents.contains(parent) {
            parents.append(parent)
        }
        for parent in parents.reversed() {
            try remove(stubs.filter { $0.path.removingLastComponent() == parent }, of: parent, directory)
        }
    }

    private func remove(_ stubs: [Stub], of parent: FilePath, _ directory: Directory) throws(SystemError) {
        guard let first = stubs.first, let last = stubs.last, let before = try existing(parent, directory) else {
            return
        }
        var removed = 0
        for stub in stubs.reversed() where try isRemoved(stub, directory) { removed += 1 }
        guard removed > 0 else { return }
        let isUntouched = before.modified == last.parentSettled && removed == stubs.count
        try directory.setModified(of: parent, isUntouched ? first.parentModified : before.modified)
        if isUntouched { try removeIfCopied(parent, directory) }
    }

    private func existing(_ path: FilePath, _ directory: Directory) throws(SystemError) -> FileStatus? {
        guard try directory.exists(path) else { return nil }
        return try directory.status(of: path)
    }

    private func isRemoved(_ stub: Stub, _ directory: Directory) throws(SystemError) -> Bool {
        guard let found = try existing(stub.path, directory) else { return false }
        guard stub.isDirectory else {
            guard found.type == .regular, found.size == 0 else { return false }
            try directory.remove(stub.path)
            return true
        }
        guard found.type == .directory else { return false }
        do throws(SystemError) {
            try directory.removeDirectory(stub.path)
            return true
        } catch {
            guard error.errno == .directoryNotEmpty else { throw error }
            return false
        }
    }

    /// Removes an empty directory if a lower layer has an identical one: it was copied up for the stub.
    private func removeIfCopied(_ path: FilePath, _ directory: Directory) throws(SystemError) {
        guard !path.components.isEmpty, try directory.attribute("trusted.overlay.opaque", of: path) == nil,
            try directory.attribute("user.overlay.opaque", of: path) == nil
        else { return }
        let own = try directory.status(of: path)
        for lower in lowers {
            guard let below = try existing(path, try Directory(lower)) else { continue }
            guard below.type == .directory, below.mode == own.mode, below.uid == own.uid, below.gid == own.gid,
                below.modified == own.modified
            else { return }
            return try removeEmpty(path, directory)
        }
    }

    private func removeEmpty(_ path: FilePath, _ directory: Directory) throws(SystemError) {
        let parent = path.removingLastComponent()
        let before = try directory.status(of: parent)
        do throws(SystemError) {
            try directory.removeDirectory(path)
            try directory.setModified(of: parent, before.modified)
        } catch {
            guard error.errno == .directoryNotEmpty else { throw error }
        }
    }
}
