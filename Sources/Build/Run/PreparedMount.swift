internal import Linux
internal import OCI
internal import Sandbox
internal import SystemPackage

/// A mount with all of its sources resolved.
///
/// A container uses it directly. It can also be stored, to make the same mount again in a debug session of a failed
/// step.
enum PreparedMount: Codable, Sendable {
    case files([StoredLayer], path: String, target: String, isReadOnly: Bool)
    case cache(id: String, seedName: String, seed: StoredLayer?, CacheMounts.CacheSharing, Owner, target: String, Bool)
    case memory(size: Int?, target: String, isReadOnly: Bool)
    case secret(Secret, id: String, variable: String?, target: String?, Owner)
    case variable(String)
    case agent(SSHAgent, target: String, Owner)

    /// The owner and mode of a mount's files.
    typealias Owner = RunMount.Owner

    /// The identity of a cache; nil for other mounts.
    var cacheName: String? {
        guard case .cache(let id, let seedName, _, _, let owner, _, _) = self else { return nil }
        return Self.cacheName(id, seed: seedName, owner: owner)
    }

    /// Returns the identity of a cache: two mounts of one command with the same one share the cache.
    static func cacheName(_ id: String, seed seedName: String, owner: Owner) -> String {
        "\(id)\0\(seedName)\0\(owner.text)"
    }
}

/// A layer in a form that can be stored.
struct StoredLayer: Codable, Sendable {
    private let descriptor: String
    private let diffID: String

    init(_ layer: Layer) {
        descriptor = String(decoding: layer.descriptor.json.bytes, as: UTF8.self)
        diffID = "\(layer.diffID)"
    }

    /// Returns the layer.
    func layer() throws -> Layer {
        let json = try JSON(parsing: Array(descriptor.utf8), what: "a stored layer")
        return Layer(descriptor: try Descriptor(json, what: "a stored layer"), diffID: try Digest(diffID))
    }
}

extension Image {
    /// An image of only these layers, in a store.
    init(of layers: [Layer], in store: Store) {
        let line = StageBuilder.history("", isEmptyLayer: false)
        let history = [History](repeating: line, count: layers.count)
        self = Image.scratch(.host, in: store).replacingLayers(layers, history: history)
    }
}

extension StageBuilder {
    /// Resolves the sources of every mount.
    ///
    /// - Parameter ids: The map of the files of new caches; nil for this process's own.
    func prepared(_ mounts: [RunMount], _ line: Int, ids: IDMap? = nil) async throws -> [PreparedMount] {
        var prepared: [PreparedMount] = []
        for mount in mounts {
            if let made = try await self.prepared(mount, line, cachesOf: ids) { prepared.append(made) }
        }
        return prepared
    }

    /// Resolves one mount; nil for an agent that is missing and not required.
    private func prepared(_ mount: RunMount, _ line: Int, cachesOf ids: IDMap?) async throws -> PreparedMount? {
        switch mount {
        case .bind(let bind, let target, let isReadOnly):
            let files = try await files(of: bind)
            return .files(
                files.image.layers.map { StoredLayer($0) }, path: files.path.description, target: target.description,
                isReadOnly: isReadOnly)
        case .cache(let use, let target, let isReadOnly):
            let seed = try await seed(of: use, ids)
            return .cache(
                id: use.id, seedName: use.seedName, seed: seed, use.sharing, use.owner, target: target.description,
                isReadOnly)
        case .memory(let size, let target, let isReadOnly):
            return .memory(size: size, target: target.description, isReadOnly: isReadOnly)
        case .secret(let use):
            guard let secret = shared.request.secrets[use.id] else {
                if use.isRequired { throw BuildError.secretMissing(use.id, at: plan.place(line)) }
                // Set to an empty value, as in BuildKit.
                return use.variable.map { .variable($0) }
            }
            return .secret(
                secret, id: use.id, variable: use.variable, target: use.target?.description, use.owner)
        case .agent(let use):
            guard let agent = shared.request.agents[use.id] else {
                if use.isRequired { throw BuildError.agentMissing(use.id, at: plan.place(line)) }
                return nil
            }
            return .agent(agent, target: use.target.description, use.owner)
        }
    }

    /// Returns the initial content of a cache; nil if the cache exists already, or starts empty.
    private func seed(of use: RunMount.CacheUse, _ ids: IDMap?) async throws -> StoredLayer? {
        guard let seed = use.seed else { return nil }
        // A private cache may have to be made for each concurrent step.
        let exists = try CacheMounts(shared.store, ids: ids).exists(use.id, seed: use.seedName, owner: use.owner)
        guard use.sharing == .private || !exists else { return nil }
        let (source, selection) = try await selection(of: seed)
        return StoredLayer(try await copied(selection, from: source).layer)
    }
}
