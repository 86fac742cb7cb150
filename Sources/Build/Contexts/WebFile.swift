internal import HTTP
internal import Linux
internal import OCI
internal import SystemPackage

/// A file on the web, stored as a layer with that one file: mode 0600, owner root, with the server's time.
///
/// ```
/// thaw/web/HASH    the response headers of an address, and the key of the cached step with the file:
///                  an unchanged file costs one request, one with a known checksum costs none
/// ```
struct WebFile: Sendable {
    let address: String
    let state: BuildState
    /// The expected SHA-256 of the content.
    var checksum: Digest?

    /// Returns the file as an image of one layer, and its name there.
    func image() async throws -> (image: Image, name: String) {
        if let checksum, let known = try pinned(checksum) {
            state.inputs.add(BuildInputs.Material(web: address, checksum))
            return (state.image(of: known), name)
        }
        let step = try await Cancellation.offload { cancellation in try refreshed(cancellation) }
        return (state.image(of: step), name)
    }

    /// Returns the file's content.
    func contents(limit: Int) async throws -> [UInt8] {
        let (image, name) = try await image()
        let tree = try await state.store.tree(of: image)
        return try await Offload.run {
            guard let bytes = try image.contents(of: name, in: tree), bytes.count <= limit else {
                throw failure("it is larger than \(limit) bytes")
            }
            return bytes
        }
    }

    /// The last component of the address, which is the name in the destination directory.
    var name: String { SourceAddress(address)?.fileName ?? "__unnamed__" }

    private func failure(_ reason: String) -> BuildError {
        .downloadFailed(SourceAddress.redacted(address), reason: reason)
    }
}

// MARK: - Records

extension WebFile {
    /// The server's response for the file.
    private struct Record {
        var entityTag: String?
        var modified: String?
        var digest: Digest
        var key: Digest

        var json: JSON {
            var json = JSON.object(["digest": .string("\(digest)"), "step": .string("\(key)")])
            json["etag"] = entityTag.map(JSON.string)
            json["lastModified"] = modified.map(JSON.string)
            return json
        }

        init(_ entityTag: String?, _ modified: String?, _ digest: Digest, key: Digest) {
            (self.entityTag, self.modified, self.digest, self.key) = (entityTag, modified, digest, key)
        }

        init?(_ json: JSON) {
            guard let digest = json["digest"]?.string.flatMap({ try? Digest($0) }),
                let key = json["step"]?.string.flatMap({ try? Digest($0) })
            else { return nil }
            self.init(json["etag"]?.string, json["lastModified"]?.string, digest, key: key)
        }
    }

    private var recordPath: FilePath { FilePath("thaw/web/\(Digest(of: Array(address.utf8)).hex)") }

    /// Returns the record of the address and its file, if both are stored; ignores a damaged record.
    private func record() throws -> (record: Record, step: CachedStep)? {
        guard state.request.usesCache, let bytes = try? state.store.root.contents(of: recordPath, limit: 1 << 20),
            let json = try? JSON(parsing: bytes, what: "web cache"), let record = Record(json),
            let step = try state.store.cachedStep(for: record.key)
        else { return nil }
        return (record, step)
    }

    /// Returns the file with the requested checksum, if this address had it before.
    private func pinned(_ checksum: Digest) throws -> CachedStep? {
        guard state.request.usesCache else { return nil }
        return try state.store.cachedStep(for: pin(checksum))
    }

    private func pin(_ checksum: Digest) -> Digest { Digest(of: Array("web \(address) \(checksum)".utf8)) }
}

// MARK: - Requests

extension WebFile {
    private func refreshed(_ cancellation: Cancellation) throws -> CachedStep {
        let known = try record()
        var request = try Request(.get, WebAddress(address))
        if let record = known?.record {
            request.headers["If-None-Match"] = record.entityTag
            request.headers["If-Modified-Since"] = record.entityTag == nil ? record.modified : nil
        }
        if let authorization = try authorization() { request.headers["Authorization"] = authorization }
        let stream = try state.web.open(request, cancellation)
        if stream.response.status == 304, let known {
            try accept(known.record.digest)
            return known.step
        }
        guard stream.response.status == 200 else {
            throw failure("the server answered with status \(stream.response.status)")
        }
        return try keep(stream)
    }

    /// Returns the build's secret for this host as a header.
    private func authorization() throws -> String? {
        guard let host = SourceAddress(address)?.host else { return nil }
        if let header = try state.secret(["HTTP_AUTH_HEADER_\(host)"]) { return header }
        return try state.secret(["HTTP_AUTH_TOKEN_\(host)"]).map { "Bearer \($0)" }
    }

    /// Saves the body to a file, since a tar needs a file's size first, and makes the layer of it.
    private func keep(_ stream: ResponseStream) throws -> CachedStep {
        let area = try state.snapshots.makeWorkArea()
        let result = Result {
            let directory = try Directory(area)
            let digest = try save(stream, in: directory)
            try accept(digest)
            return try remember(stream.response, digest: digest, in: directory)
        }
        // The error of the download counts; a directory that stays is removed by the next garbage collection.
        try? state.snapshots.removeWorkArea(area)
        return try result.get()
    }

    private func save(_ stream: ResponseStream, in area: Directory) throws -> Digest {
        let file = try area.open("body", [.write, .create, .exclusive], mode: 0o600)
        var hasher = Digest.Hasher()
        while true {
            let chunk = try stream.next()
            if chunk.isEmpty { break }
            guard stream.count <= state.request.downloadLimit else {
                throw failure("the server sends more than \(state.request.downloadLimit) bytes")
            }
            hasher.update(chunk)
            try file.write(chunk)
        }
        try file.close()
        return hasher.finalize()
    }

    private func remember(_ response: Response, digest: Digest, in area: Directory) throws -> CachedStep {
        let modified = response.headers["Last-Modified"]
        let time = modified.flatMap(HTTPDate.seconds) ?? 0
        let key = Digest(of: Array("web file \(digest) \(time) \(name)".utf8))
        let step = try state.store.cachedStep(for: key) ?? layer(of: area, time: time)
        let record = Record(response.headers["ETag"], modified, digest, key: key)
        for key in [key, pin(digest)] { try state.store.cache(step, for: key) }
        try state.store.root.makeDirectories("thaw/web")
        try state.store.root.replace(recordPath, with: record.json.bytes, isSynced: false)
        return step
    }

    private func layer(of area: Directory, time: Int64) throws -> CachedStep {
        let writer = try LayerWriter(into: state.store, compression: .uncompressed)
        let path = ImagePath.root.appending(Array(name.utf8))
        let size = try area.status(of: "body").size
        let metadata = FileMetadata(mode: 0o600, mtime: FileTime(seconds: time))
        try writer.add(LayerEntry(path, .add(.file(size: size)), metadata))
        let source = FileSource(try area.open("body"))
        while writer.missing > 0 {
            let chunk = try source.next()
            try writer.write(chunk[...])
        }
        return CachedStep(layer: try writer.finish(), epoch: time)
    }

    /// Compares the content's digest with the expected one, and records it as an input of the build.
    private func accept(_ digest: Digest) throws {
        if let checksum, checksum != digest {
            throw BuildError.checksum(
                SourceAddress.redacted(address), expected: checksum.description, found: digest.description)
        }
        state.inputs.add(BuildInputs.Material(web: address, digest))
    }
}

/// The dates of HTTP (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Returns seconds since 1970; nil for the obsolete formats, which servers no longer send.
    static func seconds(_ text: String) -> Int64? {
        let parts = text.split(separator: " ").map(String.init)
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: parts[2]), parts[1].count == 2,
            parts[3].count == 4
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return RFC3339.seconds("\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z").map { max(0, $0) }
    }
}
