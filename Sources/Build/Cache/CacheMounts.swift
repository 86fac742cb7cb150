internal import Glibc
internal import Linux
public import OCI
internal import Sandbox
public import SystemPackage

/// The directories of RUN --mount=type=cache: they outlive builds, and are in no layer and in no key.
///
/// ```
/// thaw/mounts/ID/about       the id as written, the initial content, and the owner
/// thaw/mounts/ID/N           the content; N > 0 for concurrent private uses
/// thaw/mounts/ID/N.lock      locked shared or exclusive, depending on the sharing mode
/// ```
/// As in BuildKit, the mode and owner are part of a cache's identity: a user never gets a cache of root's.
public struct CacheMounts: Sendable {
    private let store: Store
    /// The map of new caches' files; nil for this process's own.
    private let ids: IDMap?

    /// One cache.
    public struct Entry: Sendable, Hashable {
        /// The id in the Dockerfile.
        public let id: String
        /// The initial content, `image:path`; empty for none.
        public let seed: String
        /// The mode and owner, such as `0700 10:10`; empty for those of a mount that gives none.
        public var owner: String { mountOwner == .usual ? "" : mountOwner.text }
        /// The size of its files in bytes.
        public let size: Int64
        /// The time of the last use, in seconds since 1970.
        public let lastUsed: Int64
        let name: String
        let mountOwner: RunMount.Owner
        fileprivate let ids: IDMap
    }

    /// The sharing mode of a cache.
    public enum CacheSharing: String, Sendable, Codable {
        /// All steps at the same time.
        case shared
        /// Each concurrent step has a cache of its own.
        case `private`
        /// One step after the other.
        case locked
    }

    /// A cache in use, until the last reference is released.
    public final class Use: Sendable {
        /// The content.
        public let path: FilePath
        private let lock: Lock

        init(_ path: FilePath, _ lock: consuming Lock) {
            self.path = path
            self.lock = lock
        }
    }

    /// The caches of a store.
    public init(_ store: Store) { self.init(store, ids: nil) }

    /// The caches of a store whose files are stored with `ids`.
    init(_ store: Store, ids: IDMap?) { (self.store, self.ids) = (store, ids) }

    /// Takes a cache, and makes it if it is missing; waits for other users if `sharing` requires it.
    ///
    /// Blocks the thread.
    ///
    /// - Parameter prepare: Fills a new cache before other steps see it.
    func use(
        _ id: String, seed: String = "", owner: RunMount.Owner = .usual, _ sharing: CacheSharing,
        prepare: (Directory, FilePath) throws -> Void = { _, _ in }
    ) throws -> Use {
        let directory = Self.path(of: try name(id, seed: seed, owner: owner))
        try adoptOlder(id, seed: seed, owner: owner, as: directory)
        try store.root.makeDirectories(directory, mode: 0o700)
        try describe(id, seed: seed, owner: owner, in: directory.appending("about"))
        var number = 0
        while true {
            let content = directory.appending("\(number)")
            let lockPath = store.path.appending(directory.appending("\(number).lock").components)
            if sharing != .private {
                return try use(
                    content, lock: try Lock(lockPath, sharing == .shared ? .shared : .exclusive), prepare: prepare)
            }
            if let lock = try Lock.attempt(lockPath, .exclusive) {
                return try use(content, lock: lock, prepare: prepare)
            }
            number += 1
        }
    }

    /// Takes over the cache of a version that ignored owners, if it was made for this one and is not in use.
    private func adoptOlder(
        _ id: String, seed: String, owner: RunMount.Owner, as directory: FilePath
    ) throws {
        let older = Self.path(of: try name(id, seed: seed, owner: .usual))
        guard try map().shift == 0, owner != .usual, try !store.root.exists(directory),
            try store.root.exists(older.appending("0"))
        else { return }
        let status = try store.root.status(of: older.appending("0"))
        guard RunMount.Owner(mode: status.mode & 0o7777, uid: status.uid, gid: status.gid) == owner,
            let lock = try Lock.attempt(store.path.appending(older.appending("0.lock").components), .exclusive)
        else { return }
        try store.root.rename(older, to: directory)
        try lock.release()
    }

    /// Writes the identity of a cache beside it.
    private func describe(_ id: String, seed: String, owner: RunMount.Owner, in file: FilePath) throws {
        var about = JSON.object(["id": .string(id), "seed": .string(seed)])
        if owner != .usual {
            about["mode"] = .integer(Int64(owner.mode))
            (about["uid"], about["gid"]) = (.integer(Int64(owner.uid)), .integer(Int64(owner.gid)))
        }
        let known = try store.root.exists(file) ? store.root.contents(of: file, limit: 1 << 20) : []
        if known != about.bytes { try store.root.replace(file, with: about.bytes, isSynced: false) }
    }

    private func use(
        _ content: FilePath, lock: consuming Lock, prepare: (Directory, FilePath) throws -> Void
    ) throws -> Use {
        if try !store.root.exists(content) { try make(content, prepare) }
        // The directory's own time belongs to the commands; the time of `about` is that of the last use.
        let now = FileTime(seconds: Int64(time(nil)))
        try store.root.setModified(of: content.removingLastComponent().appending("about"), now)
        return Use(store.path.appending(content.components), lock)
    }

    /// Makes a cache under a temporary name first: others see it complete, or not at all.
    private func make(_ content: FilePath, _ prepare: (Directory, FilePath) throws -> Void) throws {
        let parent = content.removingLastComponent()
        let making = try Lock(store.path.appending(parent.appending("making").components), .exclusive)
        if try !store.root.exists(content) {
            let directory = try store.root.directory(parent)
            try directory.removeTree("new")
            try directory.makeDirectory("new", mode: 0o755)
            try prepare(directory, "new")
            try store.root.rename(parent.appending("new"), to: content)
        }
        try making.release()
    }

    /// True if the cache exists.
    func exists(_ id: String, seed: String, owner: RunMount.Owner) throws(SystemError) -> Bool {
        try store.root.exists(Self.path(of: name(id, seed: seed, owner: owner)).appending("0"))
    }

    /// Returns all caches of this user namespace and of root's containers, sorted by id.
    ///
    /// Reads the status of every file.
    public func entries() throws -> [Entry] {
        guard try store.root.exists("thaw/mounts") else { return [] }
        return try store.root.directory("thaw/mounts").entries().compactMap { entry in
            try self.entry(named: String(decoding: entry.name, as: UTF8.self))
        }.sorted { ($0.id, $0.seed, $0.owner) < ($1.id, $1.seed, $1.owner) }
    }

    private func entry(named name: String) throws -> Entry? {
        let about = Self.path(of: name).appending("about")
        guard try store.root.exists(about) else { return nil }
        let json = try JSON(parsing: store.root.contents(of: about, limit: 1 << 20), what: "\(about)")
        let (id, seed) = (json["id"]?.string ?? "", json["seed"]?.string ?? "")
        func number(_ key: String) -> UInt32? { json[key]?.integer.flatMap { UInt32(exactly: $0) } }
        let owner = RunMount.Owner(
            mode: number("mode") ?? RunMount.Owner.usual.mode, uid: number("uid") ?? 0, gid: number("gid") ?? 0)
        let maps = [try IDMap.current(), Users.shiftedIDs]
        guard let ids = maps.first(where: { Self.name(id, seed: seed, owner: owner, $0) == name }) else { return nil }
        let directory = try store.root.directory(Self.path(of: name))
        return Entry(
            id: id, seed: seed, size: try size(of: directory),
            lastUsed: try store.root.status(of: about).modified.seconds, name: name, mountOwner: owner, ids: ids)
    }

    /// Returns the size of all private copies of a cache.
    private func size(of directory: Directory) throws -> Int64 {
        try directory.entries().map { String(decoding: $0.name, as: UTF8.self) }.filter { Int($0) != nil }
            .reduce(0) { try $0 + directory.directory(FilePath($1)).totalSize() }
    }

    /// Returns a cache's content as an image of one layer, stored without a name.
    public func image(of entry: Entry) throws -> Image {
        let caches = CacheMounts(store, ids: entry.ids)
        let use = try caches.use(entry.id, seed: entry.seed, owner: entry.mountOwner, .shared)
        let writer = try LayerWriter(into: store, compression: .gzip)
        let content = OverlayDiff(upper: try Directory(use.path), lower: FileTree(), epoch: .max, ids: entry.ids) {
            _ in nil
        }
        try content.write(to: writer, normalizes: false)
        let history = StageBuilder.history("cache \(entry.id)", isEmptyLayer: false)
        return Image.scratch(.host, in: store).appending(try writer.finish(), history: history)
    }

    /// Replaces the content of a cache with the files of an image.
    public func replace(_ id: String, by image: Image) async throws {
        let tree = try await store.tree(of: image)
        let ids = try Users.separate.storedIDs(on: store.path)
        try await Offload.run {
            let use = try CacheMounts(store, ids: ids).use(id, .locked)
            guard let name = use.path.lastComponent else { return }
            let parent = try Directory(use.path.removingLastComponent())
            try parent.removeTree("new")
            if ids.shift > 0 {
                let target = try Directory.make(parent.path.appending("new"))
                let top = max(0, image.layers.count - 1)
                try Unpacker(image, layer: top, tree: tree, into: target, lower: [], ids: ids).unpackStack()
            } else {
                _ = try DirectoryExport(image, tree, to: parent.path.appending("new"), epoch: nil).write(.copy)
            }
            try parent.removeTree(FilePath(name.string))
            try parent.rename("new", to: FilePath(name.string))
            withExtendedLifetime(use) {}
        }
    }

    /// Removes a cache; false if it is in use.
    public func remove(_ entry: Entry) throws -> Bool {
        let directory = Self.path(of: entry.name)
        for file in try store.root.directory(directory).entries() {
            let name = String(decoding: file.name, as: UTF8.self)
            guard name.hasSuffix(".lock") else { continue }
            let path = store.path.appending(directory.appending(name).components)
            guard let lock = try Lock.attempt(path, .exclusive) else { return false }
            try lock.release()
        }
        try store.root.removeTree(directory)
        return true
    }

    private func name(_ id: String, seed: String, owner: RunMount.Owner) throws(SystemError) -> String {
        Self.name(id, seed: seed, owner: owner, try map())
    }

    fileprivate func map() throws(SystemError) -> IDMap {
        if let ids { return ids }
        return try IDMap.current()
    }

    /// Returns a directory name; owners on disk depend on the ID map, so each has caches of its own.
    private static func name(_ id: String, seed: String, owner: RunMount.Owner, _ ids: IDMap) -> String {
        let owned = owner == .usual ? "" : "\0" + owner.text
        return Digest(of: Array("\(id)\0\(seed)\(owned)\(ids.keepsOwners ? "" : "\0" + ids.name)".utf8)).hex
    }

    private static func path(of name: String) -> FilePath { FilePath("thaw/mounts/\(name)") }
}

extension CacheMounts {
    /// Fills the new cache `name` in `parent` with the `content` of a layer; without a layer it stays empty.
    func fill(_ name: FilePath, in parent: Directory, from seed: Layer?, _ owner: RunMount.Owner) throws {
        if let seed {
            let image = Image(of: [seed], in: store)
            var tree = FileTree()
            try tree.apply(store.entries(of: seed, in: image).map { ($0, nil) }, layer: 0, name: "seed")
            try parent.removeTree("filling")
            try parent.makeDirectory("filling")
            let target = try parent.directory("filling")
            try Unpacker(image, layer: 0, tree: tree, into: target, lower: [], ids: try map()).unpack()
            if try target.status(of: "content").type == .directory {
                try parent.removeTree(name)
                try parent.rename("filling/content", to: name)
            }
            try parent.removeTree("filling")
        }
        let ids = try map()
        try parent.setOwner(of: name, uid: ids.stored(owner.uid), gid: ids.stored(owner.gid))
        try parent.setMode(of: name, owner.mode)
    }
}
