internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

/// The files of RUN --mount for a command without mounts: files are written, caches are moved into the root.
final class RootMounts: Sendable {
    /// The files and directories to place in the root.
    let placements: [InjectedFile]
    /// Variables of secrets and agents.
    let environment: [String]
    private let caches: [(path: FilePath, use: CacheMounts.Use, owner: PreparedMount.Owner)]
    private let relays: [AgentRelay]

    private init(
        _ placements: [InjectedFile], _ environment: [String],
        _ caches: [(path: FilePath, use: CacheMounts.Use, owner: PreparedMount.Owner)], _ relays: [AgentRelay]
    ) {
        (self.placements, self.environment, self.caches, self.relays) = (placements, environment, caches, relays)
    }

    deinit {
        for relay in relays { relay.stop() }
    }

    /// Prepares the files of `mounts`; files that must exist meanwhile are in `area`.
    static func make(
        _ mounts: [PreparedMount], in area: FilePath, store: Store, trees: TreeCache
    ) async throws -> RootMounts {
        var (placements, environment, relays) = ([InjectedFile](), [String](), [AgentRelay]())
        var caches: [(path: FilePath, use: CacheMounts.Use, owner: PreparedMount.Owner)] = []
        let taken = try await take(mounts, store)
        for (index, mount) in mounts.enumerated() {
            switch mount {
            case .files(let layers, let path, let target, _):
                let source = area.appending("bind\(index)")
                try await write(layers, to: source, store: store, trees: trees)
                placements.append(try placement(of: path, in: source, at: target))
            case .cache(_, _, _, _, let owner, let target, _):
                guard let use = taken[mount.cacheName ?? ""] else { preconditionFailure("every cache is taken") }
                caches.append((use.path, use, owner))
                placements.append(InjectedFile(.moved(use.path, isKept: true), at: FilePath(target)))
            case .memory: preconditionFailure("refused before")
            case .variable(let name): environment.append("\(name)=")
            case .secret(let secret, let id, let variable, let target, let owner):
                let bytes = try secret.bytes(id: id)
                if let variable { environment.append("\(variable)=\(String(decoding: bytes, as: UTF8.self))") }
                guard let target else { continue }
                let file = InjectedFile.InjectedContent.file(bytes, mode: owner.mode, uid: owner.uid, gid: owner.gid)
                placements.append(InjectedFile(file, at: FilePath(target)))
            case .agent(let agent, let target, let owner):
                relays.append(try AgentRelay(to: agent, in: try Directory(area), as: FilePath("agent\(index)"), owner))
                placements.append(
                    InjectedFile(.moved(area.appending("agent\(index)"), isKept: false), at: FilePath(target)))
                environment.append("SSH_AUTH_SOCK=\(target)")
            }
        }
        return RootMounts(placements, environment, caches, relays)
    }

    /// Releases the caches.
    ///
    /// A cache that the command removed is empty from now on.
    func release() throws {
        for cache in caches where try !Directory(cache.path.removingLastComponent()).exists(cache.path.lastName) {
            let parent = try Directory(cache.path.removingLastComponent())
            try parent.makeDirectory(cache.path.lastName)
            try parent.setOwner(of: cache.path.lastName, uid: cache.owner.uid, gid: cache.owner.gid)
            try parent.setMode(of: cache.path.lastName, cache.owner.mode)
        }
    }

    private static func write(
        _ layers: [StoredLayer], to path: FilePath, store: Store, trees: TreeCache
    ) async throws {
        let image = Image(of: try layers.map { try $0.layer() }, in: store)
        let tree = try await trees.tree(of: image)
        let ids = try IDMap.current()
        let target = try Directory.make(path)
        try await Offload.run { try RootWriter(image, tree, over: FileTree(), into: target, ids: ids).write() }
    }

    /// Returns a placement of `path` in `directory`, with links resolved within it.
    private static func placement(of path: String, in directory: FilePath, at target: String) throws -> InjectedFile {
        let found = try Directory(directory).open(FilePath(path), .path)
        let place = try found.currentPath()
        return InjectedFile(.moved(place, isKept: false), at: FilePath(target))
    }

    /// Takes every cache for this command alone, in one order, so that two commands can't deadlock.
    ///
    /// Exclusive because a directory can be moved to only one place.
    private static func take(_ mounts: [PreparedMount], _ store: Store) async throws -> [String: CacheMounts.Use] {
        var taken: [String: CacheMounts.Use] = [:]
        let sorted = mounts.sorted { ($0.cacheName ?? "") < ($1.cacheName ?? "") }
        for case .cache(let id, let seedName, let seed, let sharing, let owner, _, _) in sorted {
            let name = PreparedMount.cacheName(id, seed: seedName, owner: owner)
            guard taken[name] == nil else { continue }
            taken[name] = try await Offload.run {
                let caches = CacheMounts(store)
                return try caches.use(id, seed: seedName, owner: owner, sharing == .private ? .private : .locked) {
                    try caches.fill($1, in: $0, from: try seed?.layer(), owner)
                }
            }
        }
        return taken
    }
}

extension FilePath {
    fileprivate var lastName: FilePath { FilePath(lastComponent?.string ?? ".") }
}
