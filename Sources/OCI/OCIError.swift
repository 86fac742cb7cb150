public import Linux

/// An error in an image, a layer, an archive or a store.
///
/// Each case has the facts that a caller could act on; `description` is one sentence.
public enum OCIError: ReportableError, Sendable, Equatable {
    case malformedDigest(String)
    case malformedReference(String, reason: String)
    case malformedPlatform(String)
    case malformedDocument(String, reason: String)
    case unsupportedMediaType(String, of: Digest)
    case noPlatform(String, reference: String, available: [String])
    case imageNotFound(String, store: String)
    case blobMissing(Digest)
    case blobMismatch(Digest, found: Digest)
    case blobSize(Digest, expected: Int64, found: Int64)
    case unsafeEntry(String, layer: String, reason: String)
    case whiteoutName(ImagePath)
    case malformedLayer(String, offset: Int64, reason: String)
    case malformedCompression(String, reason: String)
    case unreadableArchive(String, reason: String)
    case invalidImage(String)
    case malformedAnnotation(String, reason: String)
    case samePath(ImagePath)
    case unnamedImage(String, tag: String)
    case notInArchive(String?, place: String, names: [String])

    public var description: String {
        switch self {
        case .malformedDigest(let text):
            "'\(text.prefix(100))' is not a digest: sha256: and 64 lower-case hex digits are expected"
        case .malformedReference(let text, let reason): "'\(text.prefix(300))' is not an image reference: \(reason)"
        case .malformedPlatform(let text): "'\(text.prefix(100))' is not a platform: OS/ARCH[/VARIANT] is expected"
        case .malformedDocument(let what, let reason): "cannot read \(what): \(reason)"
        case .unsupportedMediaType(let type, let digest): "\(digest) has the unsupported media type '\(type)'"
        case .noPlatform(let wanted, let reference, let available):
            "\(reference) has no image for \(wanted); it has \(available.joined(separator: ", "))"
        case .imageNotFound(let reference, let store): "image \(reference) is not in the store \(store)"
        case .blobMissing(let digest): "blob \(digest) is missing"
        case .blobMismatch(let digest, let found): "blob \(digest) is corrupt: its bytes hash to \(found)"
        case .blobSize(let digest, let expected, let found):
            "blob \(digest) has the wrong size: \(found) bytes instead of \(expected)"
        case .unsafeEntry(let path, let layer, let reason): "cannot read layer \(layer): entry '\(path)' \(reason)"
        case .whiteoutName(let path):
            "'\(path)' cannot be put into a layer: a name that begins with .wh. means that a file was removed"
        case .malformedLayer(let layer, let offset, let reason):
            "cannot read layer \(layer): \(reason) at byte \(offset) of its tar"
        case .malformedCompression(let layer, let reason): "cannot decompress \(layer): \(reason)"
        case .unreadableArchive(let path, let reason): "cannot read archive '\(path)': \(reason)"
        case .invalidImage(let reason): "the image is not valid: \(reason)"
        case .malformedAnnotation(let text, let reason): "'\(text.prefix(300))' is not an annotation: \(reason)"
        case .samePath(let path): "two platforms have '\(path)', so they cannot share a directory"
        case .unnamedImage(let place, let tag):
            "'\(place)' names an image only by the tag '\(tag)', which is not a full name"
        case .notInArchive(let name, let place, let names):
            (name.map { "'\(place)' has no image '\($0)'" } ?? "'\(place)' has several images, so one must be named")
                + (names.isEmpty ? "" : "; it has \(names.joined(separator: ", "))")
        }
    }
}

extension OCIError {
    /// The remedy, if one is known.
    public var remedy: String? {
        switch self {
        case .imageNotFound: "'thaw images' lists the images of the store; 'thaw load -i FILE' adds one"
        case .unnamedImage(let place, let tag):
            "name it: 'thaw copy oci:\(place):\(tag) NAME', or oci-archive: for an archive"
        case .unsafeEntry: "the image may be malicious; nothing of it was kept"
        case .blobMismatch, .blobSize, .blobMissing:
            "the store or the archive is damaged; build or load the image again"
        default: nil
        }
    }
}
