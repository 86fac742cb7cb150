internal import HTTP
internal import Linux
public import OCI

/// One repository of a registry, as a source of blobs.
///
/// Blobs are downloaded as they are read. Everything here blocks.
public struct RemoteRepository: BlobSource {
    /// `HOST/PATH` as in the reference.
    public let name: String
    let session: RegistrySession
    /// The endpoints in the order of preference.
    let endpoints: [Endpoint]

    /// The size limit of documents in bytes, which registries share.
    private static let documentLimit = 4 << 20
    private static let oldManifests = ["application/vnd.docker.distribution.manifest.v1+json", "+prettyjws"]
    private static let accepted = [MediaType.manifest, .index, .dockerManifest, .dockerList].map(\.description)

    public func open(_ blob: Descriptor) throws -> any ByteSource {
        let action = "pull \(blob.digest) of \(name)"
        if blob.mediaType.isManifest || blob.mediaType.isIndex {
            return VerifyingSource(
                MemorySource(try manifest(blob.digest.description, action: action).bytes), digest: blob.digest,
                size: blob.size)
        }
        return VerifyingSource(try download(blob), digest: blob.digest, size: blob.size)
    }

    /// Returns the blob from an offset, without checks.
    func download(_ blob: Descriptor, from offset: Int64 = 0) throws -> any ByteSource {
        let action = "pull \(blob.digest) of \(name)"
        if blob.isForeign { throw RegistryError.foreignLayer(action, blob.digest) }
        return try MirroredDownload(endpoints, session, from: offset) { endpoint, offset in
            try Download(blob, endpoint: endpoint, session: session, action: action, from: offset)
        }
    }

    /// Returns the document under a tag or a digest.
    func manifest(_ identifier: String, action: String) throws -> RemoteManifest {
        try first { endpoint in
            let call = manifestCall(.get, endpoint: endpoint, identifier: identifier, action: action)
            let (response, bytes) = try session.retrying { try session.fetch(call, limit: Self.documentLimit) }
            let type = try mediaType(of: bytes, response, call)
            let manifest = RemoteManifest(bytes, mediaType: type)
            let promised = identifier.contains(":") ? identifier : response.headers["Docker-Content-Digest"]
            if let promised, let digest = try? Digest(promised), digest != manifest.descriptor.digest {
                throw RegistryError.wrongContent(
                    action, host: endpoint.host, .blobMismatch(digest, found: manifest.descriptor.digest))
            }
            return manifest
        }
    }

    /// Returns the descriptor of the document under a tag or a digest, without reading it; nil if there is none.
    func head(_ identifier: String, action: String) throws -> Descriptor? {
        do {
            return try first { endpoint in
                let call = manifestCall(.head, endpoint: endpoint, identifier: identifier, action: action)
                let response = try session.retrying { try session.open(call) }.response
                guard let digest = try? Digest(response.headers["Docker-Content-Digest"] ?? ""),
                    let type = response.headers["Content-Type"], let size = response.contentLength
                else { return try manifest(identifier, action: action).descriptor }
                return Descriptor(mediaType: MediaType(type), digest: digest, size: size)
            }
        } catch RegistryError.notFound {
            return nil
        }
    }

    private func manifestCall(
        _ method: HTTP.Method, endpoint: Endpoint, identifier: String, action: String
    ) -> RegistrySession.RegistryCall {
        var call = RegistrySession.RegistryCall(
            method: method, endpoint: endpoint, target: .path("\(endpoint.path)/manifests/\(identifier)"),
            scopes: [.pull(endpoint.path)], action: action)
        for type in Self.accepted { call.headers.add("Accept", type) }
        call.headers.add("Accept", "*/*;q=0.1")
        return call
    }

    /// Returns a document's media type: its own field, or else the server's header.
    private func mediaType(of bytes: [UInt8], _ response: Response, _ call: RegistrySession.RegistryCall) throws
        -> MediaType
    {
        let announced = (response.headers["Content-Type"] ?? "").prefix { $0 != ";" }
        guard let json = try? JSON(parsing: bytes, what: "manifest") else {
            throw RegistryError.malformedAnswer(call.action, host: call.endpoint.host, reason: "sends invalid JSON")
        }
        if json["schemaVersion"]?.integer == 1 { throw RegistryError.oldManifest(call.action) }
        return MediaType(json["mediaType"]?.string ?? String(announced))
    }

    /// Returns the result of the first endpoint that succeeds, or throws the error of the last, which is no mirror.
    private func first<T>(_ body: (Endpoint) throws -> T) throws -> T {
        for endpoint in endpoints.dropLast() {
            do {
                return try body(endpoint)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                session.report(.retrying(reason: "\(error)", after: .zero))
            }
        }
        return try body(endpoint)
    }

    /// The registry itself, the only endpoint for writes.
    var endpoint: Endpoint { endpoints[endpoints.count - 1] }
}
