internal import Glibc
internal import Linux
internal import OCI
internal import SystemPackage

/// Complete root file systems in the store, for commands that run in chroot.
///
/// ```
/// thaw/layers/CHAIN.root      the files of the image whose layers have this chain ID
/// thaw/layers/tmp.N/root      a root in use: it was moved there, so no two commands share it
/// ```
/// A command changes its root in place; afterwards it is the root of the image with the command's layer on top. So the
/// steps of a stage use one root, one after the other.
struct RootDirectories {
    private let store: Store
    private let ids: IDMap
    /// The limit of unused roots; each is as large as its image.
    private static let limit = 4

    init(_ store: Store) throws {
        self.store = store
        ids = try IDMap.current()
    }

    /// Makes a locked work area for one command.
    ///
    /// The lock ends with this process, so the next command removes the area of a killed one.
    func makeWorkArea(_ snapshots: Snapshots) throws -> WorkArea {
        // An area that stays is removed by the next garbage collection.
        try? removeAbandonedAreas()
        while true {
            let area = try snapshots.makeWorkArea()
            let lock = try Lock(area.appending("lock"), .exclusive)
            // Another process may have removed the area before it was locked.
            if try store.root.exists(Self.inStore(area.appending("lock"))) { return WorkArea(area, lock) }
        }
    }

    /// A locked directory of one command.
    final class WorkArea: Sendable {
        let path: FilePath
        private let lock: Lock

        init(_ path: FilePath, _ lock: consuming Lock) {
            self.path = path
            self.lock = lock
        }
    }

    private func removeAbandonedAreas() throws {
        let layers = try store.root.directory("thaw/layers")
        for entry in try layers.entries() where entry.name.starts(with: "tmp.".utf8) {
            let name = FilePath(bytes: entry.name)
            guard try layers.exists(name.appending("lock")) else { continue }
            let path = store.path.appending("thaw/layers").appending(name.components).appending("lock")
            guard let lock = try Lock.attempt(path, .exclusive) else { continue }
            try layers.removeTree(name)
            try lock.release()
        }
    }

    /// Moves the root of an image to `root` in `area`, after making or completing it from the layers if necessary.
    func take(_ image: Image, _ trees: TreeCache, to area: FilePath) async throws -> FilePath {
        let root = area.appending("root")
        let count = try taken(image, as: root)
        if count == nil { _ = try Directory.make(root, mode: 0o755) }
        guard count != image.layers.count || image.layers.isEmpty else { return root }
        let below = image.replacingLayers(Array(image.layers.prefix(count ?? 0)), history: [])
        let (base, tree) = (try await trees.tree(of: below), try await trees.tree(of: image))
        let ids = ids
        try await Offload.run {
            try RootWriter(image, tree, over: base, into: Directory(root), ids: ids).write()
        }
        return root
    }

    /// Moves the root with most of the image's layers; returns their number, nil if there is no root.
    private func taken(_ image: Image, as root: FilePath) throws -> Int? {
        for count in (0..<image.layers.count).reversed() {
            guard let chain = Digest.chainID(of: image.layers[...count]) else { continue }
            do throws(SystemError) {
                try store.root.rename(path(of: chain), to: Self.inStore(root))
                return count + 1
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw error }
            }
        }
        return nil
    }

    /// Keeps the root for later steps as that of these layers.
    ///
    /// If there are too many, the oldest one is removed.
    func give(_ root: FilePath, as layers: [Layer]) throws {
        guard let chain = Digest.chainID(of: layers) else { return }
        let target = path(of: chain)
        // Another step has made the same layer from another root.
        guard try !store.root.exists(target) else { return }
        try store.root.rename(Self.inStore(root), to: target)
        let directory = try store.root.directory("thaw/layers")
        let waiting = try directory.statuses().filter { String(decoding: $0.name, as: UTF8.self).contains(".root") }
            .sorted { $0.status.changed < $1.status.changed }
        for old in waiting.dropLast(Self.limit) {
            // Rename it first: another process may be about to take it.
            let name = FilePath("tmp.\(UInt64.random(in: 0 ... .max))")
            do throws(SystemError) {
                try directory.rename(FilePath(bytes: old.name), to: name)
                try directory.removeTree(name)
            } catch {
                guard error.errno == .noSuchFileOrDirectory else { throw error }
            }
        }
    }

    private func path(of chain: Digest) -> FilePath {
        FilePath("thaw/layers/\(chain.hex).root\(ids.keepsOwners ? "" : ".\(ids.name)")")
    }

    /// Returns `thaw/layers/tmp.N/root`.
    private static func inStore(_ root: FilePath) -> FilePath {
        FilePath("thaw/layers").appending(root.components.suffix(2))
    }
}
