public import Build
public import Linux
public import OCI

/// The documents of commands on the store and on registries.
extension JSON {
    /// Returns the document of `thaw inspect`.
    ///
    /// - Parameters:
    ///   - name: The name in the user's command.
    ///   - attestations: The attestations of the image in its index.
    ///   - isVerified: True if every blob was read and compared with its digest.
    public static func inspection(
        of image: Image, name: String, _ attestations: [AttestationManifest], isVerified: Bool
    ) throws -> JSON {
        var json = document(
            "inspection",
            [
                "name": .string(name), "id": .string("\(image.manifest.config.digest)"),
                "digest": .string("\(image.descriptor.digest)"),
                "mediaType": .string(image.descriptor.mediaType.description),
                "platform": .string("\(image.config.platform)"), "compressedSize": .integer(image.compressedSize),
                "manifest": image.manifest.json,
                "config": try JSON(parsing: image.configBytes, what: "configuration"),
            ])
        if isVerified { json["verified"] = .bool(true) }
        if !attestations.isEmpty { json["attestations"] = .array(attestations.map(\.json)) }
        return json
    }

    /// Returns the document of `thaw prune`.
    ///
    /// - Parameter starts: What was removed from the cache of starts.
    public static func prune(_ collected: Store.Collected, _ starts: (files: Int, bytes: Int64)) -> JSON {
        document(
            "prune",
            [
                "removedBlobs": .integer(Int64(collected.blobs)), "freedBytes": .integer(collected.bytes),
                "leftBytes": .integer(collected.left), "removedStartFiles": .integer(Int64(starts.files)),
                "freedStartBytes": .integer(starts.bytes),
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

extension AttestationManifest {
    /// The digest of the manifest, and the types of its statements.
    fileprivate var json: JSON {
        .object([
            "digest": .string("\(descriptor.digest)"),
            "predicateTypes": .strings(statements.map { $0.predicateType ?? "" }),
        ])
    }
}

/// The summary of an image for people.
public enum InspectionText {
    /// Returns the lines of `thaw inspect --format text`.
    public static func lines(_ image: Image, name: String, _ attestations: [AttestationManifest]) -> [String] {
        var lines = ["name      \(name.visibleLine)", "id        \(image.manifest.config.digest)"]
        // The digest of a plain form is in no registry.
        if !image.manifest.hasDeferredLayers { lines.append("digest    \(image.descriptor.digest)") }
        lines += [
            "platform  \(image.config.platform)".visibleLine,
            "size      \(ByteCount(image.compressedSize)) in \(image.layers.count) layers",
        ]
        for statement in attestations.flatMap(\.statements) {
            lines.append("attested  \(statement.predicateType ?? "a statement of unknown type")".visibleLine)
        }
        return lines
    }
}
