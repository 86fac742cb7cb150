public import Linux

/// The IANA media type of a blob.
public struct MediaType: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The name as written.
    public let description: String

    public init(_ name: String) { description = name }

    public init(stringLiteral name: String) { description = name }

    /// OCI image manifest.
    public static let manifest: MediaType = "application/vnd.oci.image.manifest.v1+json"
    /// OCI image index.
    public static let index: MediaType = "application/vnd.oci.image.index.v1+json"
    /// OCI image configuration.
    public static let config: MediaType = "application/vnd.oci.image.config.v1+json"
    /// Docker's manifest, version 2 schema 2.
    public static let dockerManifest: MediaType = "application/vnd.docker.distribution.manifest.v2+json"
    /// Docker's manifest list.
    public static let dockerList: MediaType = "application/vnd.docker.distribution.manifest.list.v2+json"
    /// Docker's image configuration.
    public static let dockerConfig: MediaType = "application/vnd.docker.container.image.v1+json"

    /// An in-toto statement.
    public static let inToto: MediaType = "application/vnd.in-toto+json"
    /// The configuration `{}` of an artifact that has none.
    public static let emptyJSON: MediaType = "application/vnd.oci.empty.v1+json"

    /// True if the blob is one image's manifest.
    public var isManifest: Bool { self == .manifest || self == .dockerManifest }
    /// True if the blob lists manifests.
    public var isIndex: Bool { self == .index || self == .dockerList }

    /// The compression of a layer of this type, or nil if it is no layer that we can read.
    public var layerCompression: Compression? {
        switch description {
        case "application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar": .uncompressed
        case "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip": .gzip
        case "application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.docker.image.rootfs.diff.tar.zstd": .zstd
        default: nil
        }
    }

    /// Returns the media type of layers with a compression.
    public static func layer(_ compression: Compression, _ family: Family = .oci) -> MediaType {
        let (base, separator) =
            family == .oci
            ? ("application/vnd.oci.image.layer.v1.tar", "+") : ("application/vnd.docker.image.rootfs.diff.tar", ".")
        return MediaType(compression == .uncompressed ? base : base + separator + compression.rawValue)
    }

    /// The organization whose media types an image's documents and layers have.
    public enum Family: Sendable, Hashable {
        case oci, docker
    }
}

/// The compression of a layer's tar.
public enum Compression: String, Sendable, CaseIterable {
    case uncompressed, gzip, zstd
}

/// A blob by type, digest and size (OCI image spec, content descriptors).
public struct Descriptor: Hashable, Sendable {
    /// The document as it was read, including unknown members.
    public private(set) var json: JSON
    /// The blob's type.
    public let mediaType: MediaType
    public let digest: Digest
    /// The size in bytes.
    public let size: Int64

    public init(mediaType: MediaType, digest: Digest, size: Int64) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        json = .object([
            "mediaType": .string(mediaType.description), "digest": .string(digest.description), "size": .integer(size),
        ])
    }

    /// 64 TiB: more than any blob has, and little enough that the sizes of a whole document add up.
    private static let sizeLimit: Int64 = 1 << 46

    /// Parses a descriptor; `what` names its document in errors.
    public init(_ json: JSON, what: String) throws(OCIError) {
        guard let type = json["mediaType"]?.string, let digest = json["digest"]?.string,
            let size = json["size"]?.integer, size >= 0, size < Self.sizeLimit
        else { throw .malformedDocument(what, reason: "a descriptor lacks its mediaType, digest or size") }
        self.json = json
        mediaType = MediaType(type)
        self.digest = try Digest(digest)
        self.size = size
    }

    /// The platform, if an index has one.
    public var platform: Platform? {
        get {
            guard let platform = json["platform"], let os = platform["os"]?.string,
                let architecture = platform["architecture"]?.string
            else { return nil }
            return Platform(os: os, architecture: architecture, variant: platform["variant"]?.string)
        }
        set {
            guard let newValue else { return json["platform"] = nil }
            var platform = JSON.strings(["os": newValue.os, "architecture": newValue.architecture])
            platform["variant"] = newValue.variant.map(JSON.string)
            json["platform"] = platform
        }
    }

    /// The annotation of a name.
    public subscript(annotation name: String) -> String? {
        get { json["annotations"]?[name]?.string }
        set {
            var annotations = json["annotations"] ?? .object([:])
            annotations[name] = newValue.map(JSON.string)
            json["annotations"] = annotations.object?.isEmpty == true ? nil : annotations
        }
    }
}
