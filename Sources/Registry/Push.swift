internal import HTTP
public import OCI

extension RegistryClient {
    /// Sends an image: its blobs, several at once, then its manifest under the name.
    ///
    /// - Parameter hints: A store that may know other repositories of the registry to link blobs from; that of the image
    ///   by itself.
    @discardableResult
    public func push(_ image: Image, to reference: Reference, hints: Store? = nil) async throws -> Descriptor {
        let manifest = RemoteManifest(image.manifestBytes, mediaType: image.descriptor.mediaType)
        return try await push(manifest, from: ImageBlobs(image), to: reference, hints: hints ?? image.source as? Store)
    }

    /// Sends a document byte for byte, and before it everything that it leads to: an image, an index with all its images
    /// and attestations, an artifact, a cache.
    @discardableResult
    public func push(
        _ manifest: RemoteManifest, from source: any BlobSource, to reference: Reference, hints: Store? = nil
    ) async throws -> Descriptor {
        let session = session(try Cancellation())
        let repository = try repository(reference, session, reading: false)
        let hints = hints ?? source as? Store
        let work = Push(
            repository: repository, source: source, hints: hints, action: "push \(reference)")
        let plan = try await offload { _ in try work.plan(manifest) }
        try await each(plan.blobs, session) { try work.send($0) }
        // Children before parents: a registry refuses an index whose images it does not know.
        for child in plan.manifests {
            try await offload { _ in try work.put(child, as: child.descriptor.digest.description) }
        }
        let tag = reference.tag ?? manifest.descriptor.digest.description
        try await offload { _ in try work.put(manifest, as: tag) }
        return manifest.descriptor
    }

    /// Copies what is under one name to another, in one pass: a blob that is there does not move, one that the registry
    /// can link does not either. Without a platform everything is copied, attestations and other platforms too.
    @discardableResult
    public func copy(
        _ source: Reference, to target: Reference, platform: Platform? = nil
    ) async throws -> Descriptor {
        let remote = try repository(of: source)
        let manifest = try await manifest(source)
        guard let platform else { return try await push(manifest, from: remote, to: target) }
        let image = try await offload { _ in try Self.image(manifest, remote, platform, source) }
        return try await push(
            RemoteManifest(image.manifestBytes, mediaType: image.descriptor.mediaType), from: remote, to: target)
    }
}

/// An image's own documents, then the blobs of where it came from: an edited image has a configuration of its own.
private struct ImageBlobs: BlobSource {
    let image: Image

    init(_ image: Image) { self.image = image }

    func open(_ blob: Descriptor) throws -> any ByteSource {
        blob.digest == image.manifest.config.digest
            ? VerifyingSource(MemorySource(image.configBytes), digest: blob.digest, size: blob.size)
            : try image.source.open(blob)
    }
}

/// What goes to one repository. Everything here blocks.
private struct Push: Sendable {
    let repository: RemoteRepository
    let source: any BlobSource
    let hints: Store?
    let action: String

    /// More documents than any index has.
    private static let manifestLimit = 1000

    /// Every blob once, and every document below the first one, those that others lead to before them.
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

    /// Makes the repository have a blob.
    func send(_ blob: Descriptor) throws {
        let (endpoint, session, source) = (repository.endpoint, repository.session, source)
        let upload = Upload(blob, endpoint, session) { offset in
            if let remote = source as? RemoteRepository {
                // Its digest is checked by the registry that takes it.
                return offset == 0 ? try remote.open(blob) : try remote.download(blob, from: offset)
            }
            let bytes = try source.open(blob)
            return offset == 0 ? bytes : try Behind(bytes, offset)
        }
        let outcome = try upload.run(from: candidates(for: blob))
        // A hint for pushes: that a blob is known to be there saves time, nothing else.
        try? hints?.remember(origin: repository.name, of: blob.digest)
        session.report(.done(blob, outcome))
    }

    /// Repositories of the same registry that are known to hold a blob.
    private func candidates(for blob: Descriptor) -> [String] {
        var names = hints?.origins(of: blob.digest) ?? []
        if let remote = source as? RemoteRepository { names.insert(remote.name, at: 0) }
        let prefix = "\(repository.endpoint.registry)/"
        var seen: Set = [repository.name]
        return names.filter { $0.hasPrefix(prefix) && seen.insert($0).inserted }.map {
            String($0.dropFirst(prefix.count))
        }
    }

    /// Puts a document under a tag or its digest.
    func put(_ manifest: RemoteManifest, as identifier: String) throws {
        let (endpoint, session) = (repository.endpoint, repository.session)
        var call = Session.Call(
            method: .put, endpoint: endpoint, target: .path("\(endpoint.path)/manifests/\(identifier)"),
            scopes: [.push(endpoint.path)], action: action, expected: [200, 201, 202])
        call.headers["Content-Type"] = manifest.descriptor.mediaType.description
        call.body = Body(manifest.bytes)
        let response = try session.retrying { try session.open(call) }.response
        if let told = try? Digest(response.headers["Docker-Content-Digest"] ?? ""), told != manifest.descriptor.digest {
            throw RegistryError.wrongContent(
                action, host: endpoint.host, .blobMismatch(manifest.descriptor.digest, found: told))
        }
        if let subject = manifest.subject, response.headers["OCI-Subject"] == nil {
            try repository.addReferrer(manifest, of: subject, action: action)
        }
    }
}

/// A source without its first bytes, which are read and passed over.
private final class Behind: ByteSource {
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
