internal import Linux
public import OCI
public import Registry

/// The jobs of commands that list what a registry has, and delete from it.
public struct ListingJob: Sendable {
    private let client: RegistryClient

    /// Makes a job.
    public init(_ client: RegistryClient) { self.client = client }

    /// Lists the tags of a repository.
    public func tags(of name: Reference, isJSON: Bool) async throws -> Printout {
        let tags = try await client.tags(of: name)
        return .result(Self.lines(tags), .tags(tags, of: name), isJSON: isJSON)
    }

    /// Lists the repositories of a registry.
    public func catalog(of host: String, isJSON: Bool) async throws -> Printout {
        let names = try await client.catalog(of: host)
        return .result(Self.lines(names), .catalog(names, of: host), isJSON: isJSON)
    }

    /// Lists the artifacts that refer to an image.
    ///
    /// - Parameter type: The only type of artifact; nil for all.
    public func referrers(of name: Reference, type: String?, isJSON: Bool) async throws -> Printout {
        let subject = try await client.digest(of: name)
        let found = try await client.referrers(of: name, to: subject, artifactType: type)
        let lines = found.map { "\($0.digest)  \(ByteCount($0.size))  \($0.json["artifactType"]?.string ?? "")" }
        return .result(Self.lines(lines), .referrers(found, to: subject), isJSON: isJSON)
    }

    /// Deletes the manifest that the name refers to, and returns its digest.
    ///
    /// - Parameter isDryRun: True to delete nothing, and to list the tags of the manifest too.
    public func delete(_ name: Reference, isDryRun: Bool) async throws -> Printout {
        let digest = try await client.digest(of: name)
        if isDryRun { return .text(Self.lines(["\(digest)"] + (try await client.tags(of: digest, in: name)))) }
        try await client.delete(name.pinned(to: digest))
        return .text("\(digest)")
    }

    private static func lines(_ texts: [String]) -> String {
        texts.map(\.visibleLine).joined(separator: "\n")
    }
}

extension RegistryClient {
    /// Returns the tags of a manifest in its repository, sorted.
    func tags(of digest: Digest, in repository: Reference) async throws -> [String] {
        guard try await head(repository.pinned(to: digest)) != nil else {
            throw Failure("\(repository.host)/\(repository.path) has no manifest \(digest)")
        }
        var found: [String] = []
        for tag in try await tags(of: repository) {
            let place = try Reference("\(repository.host)/\(repository.path):\(tag)")
            if try await head(place)?.digest == digest { found.append(tag) }
        }
        return found.sorted()
    }

    /// Returns the digest of the manifest that the name refers to.
    ///
    /// - Throws: A ``RegistryError`` if the registry does not have it.
    func digest(of name: Reference) async throws -> Digest {
        if let digest = name.digest { return digest }
        guard let found = try await head(name) else { return try await manifest(name).descriptor.digest }
        return found.digest
    }
}
