internal import Linux
public import OCI
public import SystemPackage

/// Layers unpacked for running commands, by chain ID, in the store's `thaw/layers`.
///
/// Owners and overlayfs's marks on disk depend on the user namespace: each map of numbers has directories of its own.
///
/// A cache: everything in it can be made again from the store's blobs. Nothing is synced, so a machine's restart
/// empties it; a killed process leaves at most a directory under a temporary name.
public struct Snapshots: Sendable {
    private let store: Store
    private let ids: IDMap
    private static let boot: FilePath = "thaw/layers/boot"

    /// The unpacked layers of a store.
    public init(_ store: Store) throws {
        self.store = store
        ids = try IDMap.current()
        let current = try Self.bootName()
        func isCurrent() -> Bool { (try? store.root.contents(of: Self.boot, limit: 64)) == current }
        if isCurrent() { return }
        // Another process may have emptied it meanwhile, and filled it again.
        let lock = try Lock(store.path.appending("thaw/boot.lock"), .exclusive)
        if !isCurrent() {
            try store.removeUnpackedLayers()
            try store.root.replace(Self.boot, with: current)
        }
        try lock.release()
    }

    /// What tells this run of the machine from others. A container may hide /proc/sys, then it is the time of its start.
    private static func bootName() throws -> [UInt8] {
        do throws(SystemError) {
            return try OwnedDescriptor("/proc/sys/kernel/random/boot_id").readAll(limit: 64)
        } catch {
            guard [.noSuchFileOrDirectory, .permissionDenied].contains(error.errno) else { throw error }
        }
        let lines = try OwnedDescriptor("/proc/stat").readAll(limit: 1 << 24).split(separator: 0x0a)
        return lines.first { $0.starts(with: "btime ".utf8) }.map(Array.init) ?? []
    }

    /// The directories of an image's layers, topmost first, unpacked where they are not yet.
    public func directories(of image: Image) async throws -> [FilePath] {
        var directories: [FilePath] = []
        for count in 0..<image.layers.count {
            guard let chain = Digest.chainID(of: image.layers[...count]) else { continue }
            let path = path(of: chain)
            if try !store.root.exists(path) {
                try await unpack(image, layer: count, as: path, lower: directories)
            }
            directories.insert(store.path.appending(path.components), at: 0)
        }
        return directories
    }

    /// A new empty directory on the same file system.
    public func makeWorkArea() throws -> FilePath {
        let path = FilePath("thaw/layers/tmp.\(UInt64.random(in: 0 ... .max))")
        // A command's set-uid files must not be within reach of others, whatever becomes of them.
        try store.root.makeDirectory(path, mode: 0o700)
        return store.path.appending(path.components)
    }

    /// Removes a directory made by ``makeWorkArea()`` and all that is in it.
    public func removeWorkArea(_ path: FilePath) throws {
        guard let name = path.lastComponent else { return }
        try store.root.removeTree(FilePath("thaw/layers").appending(name))
    }

    /// Gives a directory to the cache as the topmost of `layers`; where there is one already, that one stays.
    func adopt(_ directory: FilePath, as layers: [Layer]) throws {
        guard let chain = Digest.chainID(of: layers), let name = directory.lastComponent,
            let area = directory.removingLastComponent().lastComponent
        else { return }
        let target = path(of: chain)
        guard try !store.root.exists(target) else { return }
        do throws(SystemError) {
            try store.root.rename(FilePath("thaw/layers").appending(area).appending(name), to: target)
        } catch {
            // Somebody else unpacked the same layers at the same time.
            guard error.errno == .directoryNotEmpty || error.errno == .fileExists else { throw error }
        }
    }

    private func unpack(_ image: Image, layer: Int, as path: FilePath, lower: [FilePath]) async throws {
        let partial = image.replacingLayers(Array(image.layers[...layer]), history: [])
        let tree = try await store.tree(of: partial)
        let lower = lower
        try await Offload.run {
            let area = try makeWorkArea()
            do {
                let target = try Directory.make(area.appending("layer"), mode: 0o755)
                try Unpacker(image, layer: layer, tree: tree, into: target, lower: lower, ids: ids).unpack()
                try adopt(area.appending("layer"), as: Array(image.layers[...layer]))
            } catch {
                // The failure counts; a directory that stays is swept with the next collection.
                try? removeWorkArea(area)
                throw error
            }
            try removeWorkArea(area)
        }
    }

    private func path(of chain: Digest) -> FilePath {
        FilePath("thaw/layers/\(chain.hex)\(ids.isInitial ? "" : ".\(ids.name)")")
    }
}
