internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

extension Snapshots {
    /// Makes a stack of the image's layers below new directories in `area`.
    ///
    /// Its root has the metadata of the topmost layer's root. Directories of an earlier session stay.
    func overlay(of image: Image, in area: FilePath) async throws -> Overlay {
        let lowers = try await directories(of: image)
        for part in ["upper", "work"] { _ = try Directory.make(area.appending(part)) }
        let directory = try Directory(area)
        let root = try root(of: lowers)
        try directory.setOwner(of: "upper", uid: root.uid, gid: root.gid)
        try directory.setMode(of: "upper", root.mode)
        return Overlay(
            lowers: lowers, upper: area.appending("upper"), work: area.appending("work"), isShifted: ids.shift > 0)
    }

    private func root(of lowers: [FilePath]) throws -> (mode: UInt32, uid: UInt32, gid: UInt32) {
        guard let top = lowers.first else { return (0o755, ids.stored(0), ids.stored(0)) }
        let status = try Directory(top).descriptor.status()
        return (status.mode & 0o7777, status.uid, status.gid)
    }
}

extension BuildRequest.RunOptions {
    /// Returns the map of the files of a command, whose root will be in the existing directory `area`.
    func storedIDs(isPrivileged: Bool, in area: FilePath) throws -> IDMap {
        // Only thaw's own sandbox has a private range.
        guard runtime == nil, !isPrivileged else { return try IDMap.current() }
        return try users.storedIDs(on: area)
    }
}
