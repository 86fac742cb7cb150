public import Build
public import Linux
public import OCI

/// The documents of commands on the store and on registries.
extension JSON {
    /// Returns the document of `thaw inspect`.
    ///
    /// - Parameters:
    ///   - name: The name in the user's command.
    ///   - isVerified: True if every blob was read and compared with its digest.
    public static func inspection(of image: Image, name: String, isVerified: Bool) throws -> JSON {
        var json = document(
            "inspection",
            [
                "name": .string(name), "digest": .string("\(image.descriptor.digest)"),
                "mediaType": .string(image.descriptor.mediaType.description),
                "platform": .string("\(image.config.platform)"), "compressedSize": .integer(image.compressedSize),
                "manifest": image.manifest.json,
                "config": try JSON(parsing: image.configBytes, what: "configuration"),
            ])
        if isVerified { json["verified"] = .bool(true) }
        return json
    }

    /// Returns the document of `thaw prune`.
    public static func prune(_ collected: Store.Collected) -> JSON {
        document(
            "prune",
            [
                "removedBlobs": .integer(Int64(collected.blobs)), "freedBytes": .integer(collected.bytes),
                "leftBytes": .integer(collected.left),
            ])
    }

    /// Returns the document of `thaw cache ls`.
    public static func caches(_ entries: [CacheMounts.Entry]) -> JSON {
        let caches = entries.map { entry in
            JSON.object([
                "id": .string(entry.id), "from": .string(entry.seed), "size": .integer(entry.size),
                "lastUsed": .string(RFC3339.text(entry.lastUsed)),
            ])
        }
        return document("caches", ["caches": .array(caches)])
    }

    /// Returns the document of `thaw list-tags`.
    public static func tags(_ tags: [String], of name: Reference) -> JSON {
        document("tags", ["repository": .string("\(name.host)/\(name.path)"), "tags": .strings(tags)])
    }

    /// Returns the document of `thaw catalog`.
    public static func catalog(_ repositories: [String], of host: String) -> JSON {
        document("catalog", ["registry": .string(host), "repositories": .strings(repositories)])
    }

    /// Returns the document of `thaw referrers`.
    public static func referrers(_ found: [Descriptor], to subject: Digest) -> JSON {
        document("referrers", ["subject": .string("\(subject)"), "referrers": .array(found.map(\.json))])
    }
}
