internal import HTTP
public import OCI

extension RegistryClient {
    /// Sends an image: its blobs, several at once, then its manifest under the name.
    ///
    /// - Parameter hints: A store that may know other repositories of the registry to mount blobs from; the image's own
    ///   store
    ///   by default.
    @discardableResult
    public func push(_ image: Image, to reference: Reference, hints: Store? = nil) async throws -> Descriptor {
        try await push(ImageSet(image), to: reference, hints: hints ?? image.source as? Store)
    }

    /// Sends an image, or an index with all its images and attestations, byte for byte.
    @discardableResult
    public func push(_ set: ImageSet, to reference: Reference, hints: Store? = nil) async throws -> Descriptor {
        let (descriptor, source) = (set.descriptor, set.source)
        let bytes = try await offload { _ in try source.read(descriptor) }
        let manifest = RemoteManifest(bytes, mediaType: descriptor.mediaType)
        return try await push(manifest, from: source, to: reference, hints: hints)
    }

    /// Sends a document byte for byte, after everything that it refers to.
    ///
    /// The document is an image, an index with all its images and attestations, an artifact or a cache.
    @discardableResult
    public func push(
        _ manifest: RemoteManifest, from source: any BlobSource, to reference: Reference, hints: Store? = nil
    ) async throws -> Descriptor {
        let session = session(try Cancellation())
        let repository = try repository(reference, session, reading: false)
        let hints = hints ?? source as? Store
        let work = PushJob(
            repository: repository, source: source, hints: hints, action: "push \(reference)")
        let plan = try await offload { _ in try work.plan(manifest) }
        try await each(plan.blobs, session: session) { try work.send($0) }
        // Children before parents: a registry refuses an index whose images it does not have.
        for child in plan.manifests {
            try await offload { _ in try work.put(child, as: child.descriptor.digest.description) }
        }
        let tag = reference.tag ?? manifest.descriptor.digest.description
        try await offload { _ in try work.put(manifest, as: tag) }
        return manifest.descriptor
    }

    /// Copies an image or index from one name to another, in one pass.
    ///
    /// A blob moves only if the target doesn't have it and the registry cannot mount it. Without a platform everything
    /// is copied, including attestations and other platforms.
    @discardableResult
    public func copy(
        _ source: Reference, to target: Reference, platform: Platform? = nil
    ) async throws -> Descriptor {
        let remote = try repository(of: source)
        let manifest = try await manifest(source)
        try await offload { session in try expectAccepted(source, digests: [manifest.descriptor.digest], in: session) }
        guard let platform else { return try await push(manifest, from: remote, to: target) }
        let image = try await offload { _ in
            try Self.image(manifest, source: remote, platform: platform, reference: source)
        }
        let chosen = RemoteManifest(image.manifestBytes, mediaType: image.descriptor.mediaType)
        return try await push(chosen, from: remote, to: target)
    }
}

/// A push to one repository.
///
/// Everything here blocks.
private struct PushJob: Sendable {
    let repository: RemoteRepository
    let source: any BlobSource
    let hints: Store?
    let action: String

    /// The most documents in one push, more than any real index has.
    private static let manifestLimit = 1000

    /// Returns every blob once, and every document below the first one, children before parents.
    func plan(_ top: RemoteManifest) throws -> (blobs: [Descriptor], manifests: [RemoteManifest]) {
        var blobs: [Descriptor] = []
        var manifests: [RemoteManifest] = []
        var seen: Set<Digest> = [top.descriptor.digest]
        var level = [top]
        for _ in 0..<8 where !level.isEmpty {
            var next: [RemoteManifest] = []
            for manifest in level {
                let leads = try manifest.references(action: action)
                blobs += leads.blobs.filter { seen.insert($0.digest).inserted }
                for child in leads.manifests where seen.insert(child.digest).inserted {
                    next.append(RemoteManifest(try source.read(child), mediaType: child.mediaType))
                }
            }
            manifests = next + manifests
            guard manifests.count <= Self.manifestLimit else { throw RegistryError.tooDeep(action) }
            level = next
        }
        guard level.isEmpty else { throw RegistryError.tooDeep(action) }
        return (blobs, manifests)
    }

    /// Sends a blob unless the repository has it or can mount it.
    func send(_ blob: Descriptor) throws {
        let (endpoint, session, source) = (repository.endpoint, repository.session, source)
        let upload = Upload(blob, endpoint: endpoint, session: session) { offset in
            if let remote = RemoteRepository(directlyBehind: source) {
                // The target registry checks the digest.
                return offset == 0 ? try remote.open(blob) : try remote.download(blob, from: offset)
            }
            let bytes = try source.open(blob)
            return offset == 0 ? bytes : try SkippingSource(bytes, offset)
        }
        let outcome = try upload.run(from: candidates(for: blob))
        // An optional hint for pushes, which only saves time.
        try? hints?.remember(origin: repository.name, of: blob.digest)
        session.report(.done(blob, outcome))
    }

    /// Returns repositories of the same registry that are known to have a blob.
    private func candidates(for blob: Descriptor) -> [String] {
        var names = hints?.origins(of: blob.digest) ?? []
        if let remote = RemoteRepository(directlyBehind: source) { names.insert(remote.name, at: 0) }
        let prefix = "\(repository.endpoint.registry)/"
        var seen: Set = [repository.name]
        return names.filter { $0.hasPrefix(prefix) && seen.insert($0).inserted }.map {
            String($0.dropFirst(prefix.count))
        }
    }

    /// Puts a document under a tag or its digest.
    func put(_ manifest: RemoteManifest, as identifier: String) throws {
        let (endpoint, session) = (repository.endpoint, repository.session)
        var call = RegistrySession.RegistryCall(
            method: .put, endpoint: endpoint, target: .path("\(endpoint.path)/manifests/\(identifier)"),
            scopes: [.push(endpoint.path)], action: action, expected: [200, 201, 202])
        call.headers["Content-Type"] = manifest.descriptor.mediaType.description
        call.body = RequestBody(manifest.bytes)
        let response = try session.retrying { try session.open(call) }.response
        if let announced = try? Digest(response.headers["Docker-Content-Digest"] ?? ""),
            announced != manifest.descriptor.digest
        {
            throw RegistryError.wrongContent(
                action, host: endpoint.host, .blobMismatch(manifest.descriptor.digest, found: announced))
        }
        if let subject = manifest.subject, response.headers["OCI-Subject"] == nil {
            try repository.addReferrer(manifest, of: subject, action: action)
        }
    }
}

/// A source without its first bytes, which are read and dropped.
private final class SkippingSource: ByteSource {
    private let source: any ByteSource
    private var first: ArraySlice<UInt8> = []

    init(_ source: any ByteSource, _ offset: Int64) throws {
        self.source = source
        var left = offset
        while left > 0 {
            let chunk = try source.next()
            if chunk.isEmpty { return }
            if left < Int64(chunk.count) { first = chunk[Int(left)...] }
            left -= Int64(chunk.count)
        }
    }

    func next() throws -> [UInt8] {
        guard !first.isEmpty else { return try source.next() }
        defer { first = [] }
        return Array(first)
    }
}
