internal import HTTP
internal import Linux
public import OCI
internal import Synchronization

/// A client for images in registries (OCI distribution spec 1.1; Docker's registry API, version 2).
///
/// It keeps each registry's protocol, tokens and connections, so one client serves a whole process. Its async calls run
/// on threads that may block, and end when their task is cancelled.
public struct RegistryClient: Sendable {
    /// The client's settings.
    public let configuration: RegistryConfiguration
    private let hosts: RegistriesConf
    private let policy: SignaturePolicy?
    private let client: HTTPClient
    private let authorizer: Authorizer
    private let report: @Sendable (TransferEvent) -> Void

    /// Reads the files that the configuration names; sends no request yet.
    ///
    /// - Parameter report: Called from several threads at once.
    public init(
        _ configuration: RegistryConfiguration, report: @Sendable @escaping (TransferEvent) -> Void = { _ in }
    ) throws {
        let hosts = try RegistriesConf(files: configuration.registries)
        let isInsecure = { @Sendable host in configuration.isInsecure || hosts.isInsecure(host) }
        let certificates = Certificates(
            roots: configuration.certificateRoots, common: configuration.certificates, isInsecure: isInsecure)
        var http = configuration.http
        http.trust = { try certificates.trust(for: $0) }
        self.configuration = configuration
        self.hosts = hosts
        policy = try SignaturePolicy.first(of: configuration.policies)
        client = HTTPClient(http)
        authorizer = Authorizer(
            client, files: try configuration.credentials.map { try AuthFile(at: $0) }, isInsecure: isInsecure)
        self.report = report
    }

    /// Returns the repository of a name as a source of blobs; sends no request yet.
    public func repository(of reference: Reference) throws -> RemoteRepository {
        try repository(reference, session(Cancellation()), reading: true)
    }

    /// Returns the image of a name for a platform, after reading its manifest and configuration.
    ///
    /// Its layers are downloaded when opened. With a `store` each is stored there, and read from there if present.
    public func image(
        _ reference: Reference, for platform: Platform = .host, keepingIn store: Store? = nil
    ) async throws -> Image {
        let remote = try repository(of: reference)
        return try await offload { session in
            let action = "pull \(reference)"
            let manifest = try repository(reference, session, reading: true).manifest(
                reference.identifier, action: action)
            let source: any BlobSource = store.map { StoredBlobs(remote, $0) } ?? remote
            let image = try Self.image(manifest, source: source, platform: platform, reference: reference)
            try expectAccepted(reference, digests: [manifest.descriptor.digest, image.descriptor.digest], in: session)
            return image
        }
    }

    /// Expects that the machine's policy accepts an image with one of these digests.
    func expectAccepted(_ reference: Reference, digests: [Digest], in session: RegistrySession) throws {
        guard policy != nil else { return }
        try repository(reference, session, reading: true).expectAccepted(
            reference, digests, by: policy, action: "pull \(reference)")
    }

    /// Returns the image or index of a name, after reading that one document.
    ///
    /// The rest is downloaded when opened. With a `store` it is stored there, and read from there if present.
    public func set(_ reference: Reference, keepingIn store: Store? = nil) async throws -> ImageSet {
        let remote = try repository(of: reference)
        let manifest = try await manifest(reference)
        try await offload { session in try expectAccepted(reference, digests: [manifest.descriptor.digest], in: session)
        }
        let source: any BlobSource = store.map { StoredBlobs(remote, $0) } ?? remote
        return ImageSet(manifest.descriptor, in: KnownManifest(manifest, source))
    }

    /// Returns the manifest or index of a name, byte for byte.
    @discardableResult
    public func manifest(_ reference: Reference) async throws -> RemoteManifest {
        try await offload { session in
            try repository(reference, session, reading: true).manifest(
                reference.identifier, action: "pull \(reference)")
        }
    }

    /// Returns the descriptor of the manifest or index of a name, without reading it; nil if there is none.
    public func head(_ reference: Reference) async throws -> Descriptor? {
        try await offload { session in
            try repository(reference, session, reading: true).head(reference.identifier, action: "find \(reference)")
        }
    }

    /// Returns the image of a document; throws for a layer that no registry stores.
    static func image(
        _ manifest: RemoteManifest, source: any BlobSource, platform: Platform, reference: Reference
    ) throws -> Image {
        let known = KnownManifest(manifest, source)
        let image = try known.image(manifest.descriptor, for: platform, name: reference.familiar)
        if let foreign = image.layers.first(where: \.descriptor.isForeign) {
            throw RegistryError.foreignLayer("pull \(reference)", foreign.descriptor.digest)
        }
        return image
    }

    // MARK: - Operations

    func repository(_ reference: Reference, _ session: RegistrySession, reading: Bool) throws -> RemoteRepository {
        let endpoints = try hosts.endpoints(
            for: reference, reading: reading, action: "\(reading ? "pull" : "push") \(reference)")
        return RemoteRepository(name: "\(reference.host)/\(reference.path)", session: session, endpoints: endpoints)
    }

    func session(_ cancellation: Cancellation) -> RegistrySession {
        RegistrySession(
            client: client, authorizer: authorizer, retry: configuration.retry, cancellation: cancellation,
            report: report)
    }

    /// Runs blocking work with a session that is cancelled with the task.
    func offload<T: Sendable>(_ body: @Sendable @escaping (RegistrySession) throws -> T) async throws -> T {
        try await Cancellation.offload { try body(session($0)) }
    }

    /// Runs `body` for every item, several at once; throws the first failure, which cancels the others.
    func each<Item: Sendable>(
        _ items: [Item], session: RegistrySession, body: @Sendable @escaping (Item) throws -> Void
    ) async throws {
        let first = FirstFailure()
        try await withTaskCancellationHandler {
            do {
                _ = try await Offload.map(items, width: max(1, configuration.jobs)) { item in
                    do { try body(item) } catch {
                        first.take(error)
                        session.cancellation.cancel()
                        throw error
                    }
                }
            } catch {
                // The others failed only because they were cancelled.
                throw first.error ?? error
            }
        } onCancel: {
            session.cancellation.cancel()
        }
    }

    func use(_ credential: Credential, for registry: String) { authorizer.use(credential, for: registry) }
}

extension Reference {
    /// The identifier in requests: the digest if the name has one, or else the tag.
    var identifier: String { digest?.description ?? tag ?? "latest" }
}

/// The first error of concurrent work.
private final class FirstFailure: Sendable {
    private let state = Mutex<(any Error)?>(nil)

    var error: (any Error)? { state.withLock { $0 } }

    func take(_ error: any Error) { state.withLock { $0 = $0 ?? error } }
}

/// A source with one more document: the manifest that was read under its tag.
struct KnownManifest: BlobSource {
    let manifest: RemoteManifest
    let source: any BlobSource

    init(_ manifest: RemoteManifest, _ source: any BlobSource) {
        self.manifest = manifest
        self.source = source
    }

    func open(_ blob: Descriptor) throws -> any ByteSource {
        blob.digest == manifest.descriptor.digest ? MemorySource(manifest.bytes) : try source.open(blob)
    }
}

extension RemoteRepository {
    /// Unwraps the repository that a source reads from, unless a store is between.
    init?(directlyBehind source: any BlobSource) {
        switch source {
        case let repository as RemoteRepository: self = repository
        case let known as KnownManifest: self.init(directlyBehind: known.source)
        default: return nil
        }
    }
}
