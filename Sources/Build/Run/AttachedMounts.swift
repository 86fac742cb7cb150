internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

/// Mounts made for one container, held while it runs.
final class AttachedMounts: Sendable {
    private let caches: [String: CacheMounts.Use]
    private let relays: [AgentRelay]

    private init(_ caches: [String: CacheMounts.Use], _ relays: [AgentRelay]) {
        (self.caches, self.relays) = (caches, relays)
    }

    deinit {
        for relay in relays { relay.stop() }
    }

    /// Makes `mounts` and adds them to `command`; files that they need meanwhile are in `area`.
    ///
    /// - Parameter ids: The map of their files.
    static func attach(
        _ mounts: [PreparedMount], to command: inout Command, in area: FilePath, _ store: Store, ids: IDMap
    ) async throws -> AttachedMounts {
        let caches = try await take(mounts, store: store, ids: ids)
        let snapshots = try Snapshots(store).stored(with: ids)
        var relays: [AgentRelay] = []
        for (index, mount) in mounts.enumerated() {
            switch mount {
            case .files(let stored, let path, let target, let isReadOnly):
                let image = Image(of: try stored.map { try $0.layer() }, in: store)
                let stack = try await snapshots.overlay(of: image, in: area.appending("bind\(index)"))
                let path = FilePath(path)
                let layers = stack.lowers.isEmpty ? [stack.upper] : stack.lowers
                let source: Attachment.Source =
                    isReadOnly ? .layers(layers, path: path) : .overlay(stack, path: path)
                command.attach(source, at: target, isReadOnly: isReadOnly)
            case .cache(_, _, _, _, _, let target, let isReadOnly):
                guard let cache = caches[mount.cacheName ?? ""] else { preconditionFailure("every cache is taken") }
                command.attach(.host(cache.path), at: target, isReadOnly: isReadOnly)
            case .memory(let size, let target, let isReadOnly):
                command.attach(.memory(size: size), at: target, isReadOnly: isReadOnly)
            case .variable(let name): command.environment.append("\(name)=")
            case .secret(let secret, let id, let variable, let target, let owner):
                let bytes = try secret.bytes(id: id)
                if let variable { command.environment.append("\(variable)=\(String(decoding: bytes, as: UTF8.self))") }
                guard let target else { continue }
                command.attach(
                    .content(bytes, mode: owner.mode, uid: owner.uid, gid: owner.gid), at: target, isReadOnly: true)
            case .agent(let agent, let target, let owner):
                let name = FilePath("agent\(index)")
                relays.append(try AgentRelay(to: agent, in: try Directory(area), as: name, owner, ids: ids))
                command.attach(.host(area.appending("agent\(index)")), at: target, isReadOnly: false)
                command.environment.append("SSH_AUTH_SOCK=\(target)")
            }
        }
        return AttachedMounts(caches, relays)
    }

    /// Takes every cache once, in one order, so that two commands can't deadlock.
    private static func take(
        _ mounts: [PreparedMount], store: Store, ids: IDMap
    ) async throws -> [String: CacheMounts.Use] {
        var wanted:
            [String: (CacheMounts.CacheSharing, @Sendable (CacheMounts.CacheSharing) throws -> CacheMounts.Use)] = [:]
        for case .cache(let id, let seedName, let seed, let sharing, let owner, _, _) in mounts {
            let name = PreparedMount.cacheName(id, seed: seedName, owner: owner)
            if wanted[name]?.0 == .locked { continue }
            wanted[name] = (
                sharing,
                { sharing in
                    let caches = CacheMounts(store, ids: ids)
                    return try caches.use(id, seed: seedName, owner: owner, sharing) {
                        try caches.fill($1, in: $0, from: try seed?.layer(), owner)
                    }
                }
            )
        }
        var taken: [String: CacheMounts.Use] = [:]
        for (name, cache) in wanted.sorted(by: { $0.key < $1.key }) {
            taken[name] = try await Offload.run { try cache.1(cache.0) }
        }
        return taken
    }
}

extension Command {
    fileprivate mutating func attach(_ source: Attachment.Source, at target: String, isReadOnly: Bool) {
        attachments.append(Attachment(source, at: FilePath(target), isReadOnly: isReadOnly))
    }
}
