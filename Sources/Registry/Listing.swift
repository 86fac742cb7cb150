internal import HTTP
internal import Linux
public import OCI

extension RegistryClient {
    /// Returns a repository's tags in the registry's order.
    public func tags(of reference: Reference) async throws -> [String] {
        try await offload { session in
            let repository = try repository(reference, session, reading: true)
            let endpoint = repository.endpoint
            return try session.list(
                .path("\(endpoint.path)/tags/list"), endpoint: endpoint, scopes: [.pull(endpoint.path)],
                action: "list the tags of \(repository.name)"
            ) { $0["tags"]?.array?.compactMap(\.string) ?? [] }
        }
    }

    /// Returns the repositories of a registry, if it lists them.
    public func catalog(of registry: String) async throws -> [String] {
        try await offload { session in
            try session.list(
                .path("_catalog"), endpoint: Endpoint(registry: registry, path: ""), scopes: [.catalog],
                action: "list the repositories of \(registry)"
            ) { $0["repositories"]?.array?.compactMap(\.string) ?? [] }
        }
    }

    /// Returns the artifacts whose subject is a manifest: signatures, attestations, bills of materials.
    public func referrers(of reference: Reference, to digest: Digest, artifactType: String? = nil) async throws
        -> [Descriptor]
    {
        try await offload { session in
            let repository = try repository(reference, session, reading: true)
            let all = try repository.referrers(to: digest, action: "list the referrers of \(repository.name)@\(digest)")
            return all.filter { artifactType == nil || $0.json["artifactType"]?.string == artifactType }
        }
    }

    /// Deletes the manifest of a digest; with a tag, deletes only the tag.
    public func delete(_ reference: Reference) async throws {
        try await offload { session in
            let endpoint = try repository(reference, session, reading: false).endpoint
            let call = RegistrySession.RegistryCall(
                method: .delete, endpoint: endpoint,
                target: .path("\(endpoint.path)/manifests/\(reference.identifier)"),
                scopes: [.delete(endpoint.path)], action: "delete \(reference)", expected: [200, 202, 204])
            _ = try session.retrying { try session.open(call) }
        }
    }
}

extension RegistrySession {
    /// Reads a list in pages, each of which links to the next (distribution spec, listing tags).
    func list(
        _ target: RegistryCall.RequestTarget, endpoint: Endpoint, scopes: Set<TokenScope>, action: String,
        items: (JSON) -> [String]
    ) throws -> [String] {
        var all: [String] = []
        var target = target
        var (size, seen) = (0, Set<WebAddress>())
        while size <= Self.maximumList {
            let call = RegistryCall(method: .get, endpoint: endpoint, target: target, scopes: scopes, action: action)
            let (response, bytes) = try retrying { try fetch(call, limit: 16 << 20) }
            guard let json = try? JSON(parsing: bytes, what: action) else {
                throw RegistryError.malformedAnswer(action, host: endpoint.host, reason: "sends invalid JSON")
            }
            all += items(json)
            size += bytes.count
            guard let link = response.headers["Link"], let next = Self.next(link) else { return all }
            let address = try response.address.resolving(next)
            guard address.origin == response.address.origin else {
                throw RegistryError.malformedAnswer(
                    action, host: endpoint.host, reason: "continues its list on another host")
            }
            guard seen.insert(address).inserted, seen.count < 1000 else { break }
            target = .address(address)
        }
        throw RegistryError.malformedAnswer(action, host: endpoint.host, reason: "sends a list without an end")
    }

    /// The most bytes of a list in all its pages.
    private static let maximumList = 64 << 20

    /// Returns the address in `<ADDRESS>; rel="next"`.
    private static func next(_ link: String) -> String? {
        guard link.contains("next"), let start = link.firstIndex(of: "<"), let end = link.firstIndex(of: ">"),
            start < end
        else { return nil }
        return String(link[link.index(after: start)..<end])
    }
}

// MARK: - Referrers

extension RemoteRepository {
    /// Returns a manifest's referrers from the registry's API, or from the fallback tag if it has no such API.
    func referrers(to digest: Digest, action: String) throws -> [Descriptor] {
        var call = RegistrySession.RegistryCall(
            method: .get, endpoint: endpoint, target: .path("\(endpoint.path)/referrers/\(digest)"),
            scopes: [.pull(endpoint.path)], action: action, expected: [200, 404])
        call.headers["Accept"] = MediaType.index.description
        let (response, bytes) = try session.retrying { try session.fetch(call, limit: 16 << 20) }
        if response.status == 200, (response.headers["Content-Type"] ?? "").hasPrefix(MediaType.index.description) {
            return try Index(parsing: bytes, what: "referrers of \(digest)").manifests
        }
        return try fallback(digest, action: action).manifests
    }

    /// Adds an artifact to the fallback tag for the referrers API (distribution spec, "referrers tag schema").
    func addReferrer(_ manifest: RemoteManifest, of subject: Descriptor, action: String) throws {
        var index = try fallback(subject.digest, action: action)
        if index.manifests.contains(where: { $0.digest == manifest.descriptor.digest }) { return }
        index.manifests.append(try Self.entry(manifest))
        var call = RegistrySession.RegistryCall(
            method: .put, endpoint: endpoint, target: .path("\(endpoint.path)/manifests/\(Self.tag(subject.digest))"),
            scopes: [.push(endpoint.path)], action: action, expected: [200, 201, 202])
        call.headers["Content-Type"] = MediaType.index.description
        call.body = RequestBody(index.bytes)
        _ = try session.retrying { try session.open(call) }
    }

    private func fallback(_ digest: Digest, action: String) throws -> Index {
        do {
            let manifest = try manifest(Self.tag(digest), action: action)
            return try Index(parsing: manifest.bytes, what: "referrers of \(digest)")
        } catch RegistryError.notFound {
            return Index()
        }
    }

    /// Makes a descriptor with the artifact's type and annotations, as in listings.
    private static func entry(_ manifest: RemoteManifest) throws -> Descriptor {
        let json = try JSON(parsing: manifest.bytes, what: "manifest")
        var entry = manifest.descriptor.json
        let type = json["artifactType"] ?? json["config"]?["mediaType"]
        if let type { entry["artifactType"] = type }
        if let annotations = json["annotations"] { entry["annotations"] = annotations }
        return try Descriptor(entry, what: "referrer")
    }

    private static func tag(_ digest: Digest) -> String { "sha256-\(digest.hex)" }
}
