internal import HTTP
internal import Linux
public import OCI
internal import Synchronization

/// Reads and writes images in registries (OCI distribution spec 1.1; Docker's registry API, version 2).
///
/// It remembers how each registry is spoken to, tokens and connections, so one serves a whole process. Its async calls
/// do their work on threads that may block, and end when their task is cancelled.
public struct RegistryClient: Sendable {
    /// How registries are reached.
    public let configuration: RegistryConfiguration
    private let hosts: RegistriesConf
    private let client: HTTPClient
    private let authorizer: Authorizer
    private let report: @Sendable (TransferEvent) -> Void

    /// Reads the files that the configuration names; nothing is asked of a registry yet.
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
        client = HTTPClient(http)
        authorizer = Authorizer(
            client, files: try configuration.credentials.map { try AuthFile(at: $0) }, isInsecure: isInsecure)
        self.report = report
    }

    /// The repository of a name, as a place that has blobs; asks for nothing yet.
    public func repository(of reference: Reference) throws -> RemoteRepository {
        try repository(reference, session(Cancellation()), reading: true)
    }

    /// The image under a name for a platform: its manifest and configuration are read, its layers come over the network
    /// when somebody opens them; with a `store` each is kept there, and taken from there where it is known.
    public func image(
        _ reference: Reference, for platform: Platform = .host, keepingIn store: Store? = nil
    ) async throws -> Image {
        let remote = try repository(of: reference)
        return try await offload { session in
            let action = "pull \(reference)"
            let manifest = try repository(reference, session, reading: true).manifest(
                reference.identifier, action: action)
            let source: any BlobSource = store.map { StoredBlobs(remote, $0) } ?? remote
            return try Self.image(manifest, source, platform, reference)
        }
    }

    /// What a name stands for, an image or an index of them: one document is read, the rest comes when somebody opens
    /// it; with a `store` it is kept there, and taken from there where it is known.
    public func set(_ reference: Reference, keepingIn store: Store? = nil) async throws -> ImageSet {
        let remote = try repository(of: reference)
        let manifest = try await manifest(reference)
        let source: any BlobSource = store.map { StoredBlobs(remote, $0) } ?? remote
        return ImageSet(manifest.descriptor, in: KnownManifest(manifest, source))
    }

    /// What is under a name, byte for byte: a manifest or an index.
    @discardableResult
    public func manifest(_ reference: Reference) async throws -> RemoteManifest {
        try await offload { session in
            try repository(reference, session, reading: true).manifest(
                reference.identifier, action: "pull \(reference)")
        }
    }

    /// The descriptor of what is under a name, without reading it; nil where there is nothing.
    public func head(_ reference: Reference) async throws -> Descriptor? {
        try await offload { session in
            try repository(reference, session, reading: true).head(reference.identifier, action: "find \(reference)")
        }
    }

    /// The image that a document leads to; a layer that no registry keeps is refused.
    static func image(
        _ manifest: RemoteManifest, _ source: any BlobSource, _ platform: Platform, _ reference: Reference
    ) throws -> Image {
        let known = KnownManifest(manifest, source)
        let image = try known.image(manifest.descriptor, for: platform, name: reference.familiar)
        if let foreign = image.layers.first(where: \.descriptor.isForeign) {
            throw RegistryError.foreignLayer("pull \(reference)", foreign.descriptor.digest)
        }
        return image
    }

    // MARK: - Operations

    func repository(_ reference: Reference, _ session: Session, reading: Bool) throws -> RemoteRepository {
        let endpoints = try hosts.endpoints(
            for: reference, reading: reading, action: "\(reading ? "pull" : "push") \(reference)")
        return RemoteRepository(name: "\(reference.host)/\(reference.path)", session: session, endpoints: endpoints)
    }

    func session(_ cancellation: Cancellation) -> Session {
        Session(
            client: client, authorizer: authorizer, retry: configuration.retry, cancellation: cancellation,
            report: report)
    }

    /// Runs blocking work with a session that ends with the task.
    func offload<T: Sendable>(_ body: @Sendable @escaping (Session) throws -> T) async throws -> T {
        try await Cancellation.offload { try body(session($0)) }
    }

    /// Runs `body` for every item, some at once; the first failure ends the others, and is what is thrown.
    func each<Item: Sendable>(
        _ items: [Item], _ session: Session, _ body: @Sendable @escaping (Item) throws -> Void
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
                // What the others failed with is that they were cancelled.
                throw first.error ?? error
            }
        } onCancel: {
            session.cancellation.cancel()
        }
    }

    func use(_ credential: Credential, for registry: String) { authorizer.use(credential, for: registry) }
}

extension Reference {
    /// What a registry is asked for: the digest where the name has one, else the tag.
    var identifier: String { digest?.description ?? tag ?? "latest" }
}

/// What went wrong first of what was done at once.
private final class FirstFailure: Sendable {
    private let state = Mutex<(any Error)?>(nil)

    var error: (any Error)? { state.withLock { $0 } }

    func take(_ error: any Error) { state.withLock { $0 = $0 ?? error } }
}

/// A place that has one document more: the one that was read under its tag.
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
    /// The repository that a source reads from, where nothing is kept on the way.
    init?(directlyBehind source: any BlobSource) {
        switch source {
        case let repository as RemoteRepository: self = repository
        case let known as KnownManifest: self.init(directlyBehind: known.source)
        default: return nil
        }
    }
}
