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
    static func attach(
        _ mounts: [PreparedMount], to command: inout Command, in area: FilePath, _ store: Store
    ) async throws -> AttachedMounts {
        let caches = try await take(mounts, store)
        var relays: [AgentRelay] = []
        for (index, mount) in mounts.enumerated() {
            switch mount {
            case .files(let layers, let path, let target, let isReadOnly):
                let source = try await stack(
                    layers, path: path, isReadOnly: isReadOnly, area: area.appending("bind\(index)"), store: store)
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
                relays.append(try AgentRelay(to: agent, in: try Directory(area), as: FilePath("agent\(index)"), owner))
                command.attach(.host(area.appending("agent\(index)")), at: target, isReadOnly: false)
                command.environment.append("SSH_AUTH_SOCK=\(target)")
            }
        }
        return AttachedMounts(caches, relays)
    }

    private static func stack(
        _ layers: [StoredLayer], path: String, isReadOnly: Bool, area: FilePath, store: Store
    ) async throws -> Attachment.Source {
        let image = Image(of: try layers.map { try $0.layer() }, in: store)
        var lowers = try await Snapshots(store).directories(of: image)
        if lowers.isEmpty { lowers = [try Directory.make(area.appending("empty")).path] }
        if isReadOnly { return .layers(lowers, path: FilePath(path)) }
        let parts = [area.appending("upper"), area.appending("work")]
        for part in parts { _ = try Directory.make(part) }
        return .overlay(Overlay(lowers: lowers, upper: parts[0], work: parts[1]), path: FilePath(path))
    }

    /// Takes every cache once, in one order, so that two commands can't deadlock.
    private static func take(_ mounts: [PreparedMount], _ store: Store) async throws -> [String: CacheMounts.Use] {
        var wanted: [String: (CacheMounts.Sharing, @Sendable (CacheMounts.Sharing) throws -> CacheMounts.Use)] = [:]
        for case .cache(let id, let seedName, let seed, let sharing, let owner, _, _) in mounts {
            let name = PreparedMount.cacheName(id, seed: seedName, owner: owner)
            if wanted[name]?.0 == .locked { continue }
            wanted[name] = (
                sharing,
                { sharing in
                    let caches = CacheMounts(store)
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
