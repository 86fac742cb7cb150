internal import HTTP
internal import Linux
public import OCI

/// One repository of a registry, as a place that has blobs.
///
/// What it opens comes over the network as it is read. Everything here blocks.
public struct RemoteRepository: BlobSource {
    /// `HOST/PATH`, as it is named.
    public let name: String
    let session: Session
    /// Where it can be reached; the first that has something counts.
    let endpoints: [Endpoint]

    /// A manifest, like every document, is at most this long, as registries have it.
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

    /// The blob without checks, from an offset.
    func download(_ blob: Descriptor, from offset: Int64 = 0) throws -> any ByteSource {
        let action = "pull \(blob.digest) of \(name)"
        if blob.isForeign { throw RegistryError.foreignLayer(action, blob.digest) }
        return try MirroredDownload(endpoints, session, from: offset) { endpoint, offset in
            try Download(blob, endpoint, session, action: action, from: offset)
        }
    }

    /// The document under a tag or a digest.
    func manifest(_ identifier: String, action: String) throws -> RemoteManifest {
        try first { endpoint in
            let call = manifestCall(.get, endpoint, identifier, action: action)
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

    /// The descriptor of what is under a tag or a digest, without reading it; nil where there is nothing.
    func head(_ identifier: String, action: String) throws -> Descriptor? {
        do {
            return try first { endpoint in
                let call = manifestCall(.head, endpoint, identifier, action: action)
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
        _ method: HTTP.Method, _ endpoint: Endpoint, _ identifier: String, action: String
    ) -> Session.Call {
        var call = Session.Call(
            method: method, endpoint: endpoint, target: .path("\(endpoint.path)/manifests/\(identifier)"),
            scopes: [.pull(endpoint.path)], action: action)
        for type in Self.accepted { call.headers.add("Accept", type) }
        call.headers.add("Accept", "*/*;q=0.1")
        return call
    }

    /// What a document is: as it says itself, else as the server says.
    private func mediaType(of bytes: [UInt8], _ response: Response, _ call: Session.Call) throws -> MediaType {
        let told = (response.headers["Content-Type"] ?? "").prefix { $0 != ";" }
        guard let json = try? JSON(parsing: bytes, what: "manifest") else {
            throw RegistryError.malformedAnswer(call.action, host: call.endpoint.host, reason: "sends no JSON")
        }
        if json["schemaVersion"]?.integer == 1 { throw RegistryError.oldManifest(call.action) }
        return MediaType(json["mediaType"]?.string ?? String(told))
    }

    /// What the first endpoint gives that gives something; the error is that of the last, which is no mirror.
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

    /// The registry itself, which is the one to write to.
    var endpoint: Endpoint { endpoints[endpoints.count - 1] }
}
