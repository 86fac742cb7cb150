public import Linux
public import OCI
public import SystemPackage

/// Layers unpacked for running commands, by chain ID, in the store's `thaw/layers`.
///
/// Owners and overlayfs's attributes on disk depend on the user namespace, and on the support for idmapped mounts. So
/// each ID map has directories of its own.
///
/// This is a cache: everything in it can be made again from the store's blobs. Nothing is synced, so it is emptied
/// after a reboot. A killed process leaves at most a directory under a temporary name.
public struct Snapshots: Sendable {
    private let store: Store
    /// The map of the files.
    private(set) var ids: IDMap
    private let note: @Sendable (String) -> Void
    private static let boot: FilePath = "thaw/layers/boot"

    /// The unpacked layers of a store; `note` receives notes on unpacking.
    public init(_ store: Store, note: @escaping @Sendable (String) -> Void = { _ in }) throws {
        self.store = store
        self.note = note
        ids = try IDMap.current()
        let current = try Self.bootName()
        func isCurrent() -> Bool { (try? store.root.contents(of: Self.boot, limit: 64)) == current }
        if isCurrent() { return }
        // Another process may have emptied and filled it in the meantime.
        let lock = try Lock(store.path.appending("thaw/boot.lock"), .exclusive)
        if !isCurrent() {
            try store.removeUnpackedLayers()
            try store.root.replace(Self.boot, with: current)
        }
        try lock.release()
    }

    /// Returns these layers with files that are stored with another map.
    public func stored(with ids: IDMap) -> Snapshots {
        var other = self
        other.ids = ids
        return other
    }

    /// Returns an identifier of this boot; its time if a container hides /proc/sys.
    private static func bootName() throws -> [UInt8] {
        do throws(SystemError) {
            return try OwnedDescriptor("/proc/sys/kernel/random/boot_id").readAll(limit: 64)
        } catch {
            guard [.noSuchFileOrDirectory, .permissionDenied].contains(error.errno) else { throw error }
        }
        let lines = try OwnedDescriptor("/proc/stat").readAll(limit: 1 << 24).split(separator: 0x0a)
        return lines.first { $0.starts(with: "btime ".utf8) }.map(Array.init) ?? []
    }

    /// Returns the directories of an image's layers, topmost first; unpacks missing ones.
    ///
    /// Overlayfs accepts 500 layers. If the image has more, its lowest layers share one directory.
    public func directories(of image: Image) async throws -> [FilePath] {
        let chains = Digest.chainIDs(of: image.layers)
        let merged = Self.mergedCount(of: chains.count)
        var directories: [FilePath] = []
        var stack = LayerStack(image, store)
        for index in max(0, merged - 1)..<max(0, chains.count) {
            let isMerged = index + 1 == merged
            let path = path(of: isMerged ? Self.mergedID(chains[index]) : chains[index])
            if try !store.root.exists(path) {
                let tree = try await stack.tree(upTo: index)
                try await unpack(
                    image, layer: index, tree: tree, as: path, over: directories.reversed(), merging: isMerged)
            }
            directories.append(store.path.appending(path.components))
        }
        return directories.reversed()
    }

    /// Returns the number of layers, from the lowest, that share a directory.
    ///
    /// It grows in large steps, so that an image with one more layer can mostly use the same directory.
    static func mergedCount(of layerCount: Int) -> Int {
        let (most, step) = (400, 200)
        return layerCount <= most ? 0 : (layerCount - most + step - 1) / step * step
    }

    /// Returns the name of a directory that contains a whole stack of layers.
    private static func mergedID(_ chain: Digest) -> Digest { Digest(of: Array("merged \(chain)".utf8)) }

    /// Makes an empty directory on the same file system.
    public func makeWorkArea() throws -> FilePath {
        let path = FilePath("thaw/layers/tmp.\(UInt64.random(in: 0 ... .max))")
        // Mode 0700: other users must never reach a command's set-uid files.
        try store.root.makeDirectory(path, mode: 0o700)
        return store.path.appending(path.components)
    }

    /// Removes a directory made by ``makeWorkArea()`` with its content.
    public func removeWorkArea(_ path: FilePath) throws {
        guard let name = path.lastComponent else { return }
        try store.root.removeTree(FilePath("thaw/layers").appending(name))
    }

    /// Moves a directory into the cache as the topmost of `layers`; an existing one stays.
    func adopt(_ directory: FilePath, as layers: [Layer]) throws {
        guard let chain = Digest.chainID(of: layers) else { return }
        try store.rememberStack(layers)
        try adopt(directory, at: path(of: chain))
    }

    private func adopt(_ directory: FilePath, at target: FilePath) throws {
        guard let name = directory.lastComponent, let area = directory.removingLastComponent().lastComponent,
            try !store.root.exists(target)
        else { return }
        do throws(SystemError) {
            try store.root.rename(FilePath("thaw/layers").appending(area).appending(name), to: target)
        } catch {
            // Another process unpacked the same layers at the same time.
            guard error.errno == .directoryNotEmpty || error.errno == .fileExists else { throw error }
        }
    }

    private func unpack(
        _ image: Image, layer index: Int, tree: FileTree, as path: FilePath, over lower: [FilePath], merging: Bool
    ) async throws {
        try await Offload.run {
            let area = try makeWorkArea()
            do {
                let target = try Directory.make(area.appending("layer"), mode: 0o755)
                let unpacker = Unpacker(image, layer: index, tree: tree, into: target, lower: lower, ids: ids)
                let omissions = merging ? try unpacker.unpackStack() : try unpacker.unpack()
                if let text = Self.text(omissions) {
                    note("layer \(image.layers[index].descriptor.digest.short): \(text)")
                }
                if !merging { try store.rememberStack(Array(image.layers[...index])) }
                try adopt(area.appending("layer"), at: path)
            } catch {
                // Report the first error; a directory that stays is removed by the next garbage collection.
                try? removeWorkArea(area)
                throw error
            }
            try removeWorkArea(area)
        }
    }

    /// Returns the note about entries of a layer that couldn't be unpacked.
    private static func text(_ omissions: [Unpacker.Omission]) -> String? {
        guard let first = omissions.first else { return nil }
        let more = omissions.count > 1 ? " and \(omissions.count - 1) more" : ""
        let subject =
            switch first {
            case .device(let path): "device '\(path)'"
            case .attribute(let name, let path): "attribute '\(name)' of '\(path)'"
            }
        return "\(subject)\(more) can't exist on this system: the image keeps them, commands don't see them"
    }

    private func path(of chain: Digest) -> FilePath {
        FilePath("thaw/layers/\(chain.hex)\(ids.keepsOwners ? "" : ".\(ids.name)")")
    }
}

/// The tree of an image's layers, from the lowest up to an index that only grows.
private struct LayerStack {
    private let image: Image
    private let store: Store
    private var current = FileTree()
    private var count = 0

    init(_ image: Image, _ store: Store) { (self.image, self.store) = (image, store) }

    /// Returns the tree of the layers 0 to `index`, which must never decrease.
    mutating func tree(upTo index: Int) async throws -> FileTree {
        let (image, store) = (image, store)
        while count <= index {
            let layer = image.layers[count]
            let entries = try await Offload.run { try store.entries(of: layer, in: image) }
            try current.apply(entries.map { ($0, nil) }, layer: count, name: layer.descriptor.digest.short)
            count += 1
        }
        return current
    }
}
