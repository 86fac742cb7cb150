public import OCI

/// The base of an image: the layers that FROM added, as far as facts show it.
public struct BaseImage: Sendable, Equatable {
    /// The fact that shows the base.
    public enum Evidence: String, Sendable, CaseIterable {
        /// The lowest layers are all layers of a known image.
        case layers
        /// The manifest's annotation has the base's name or digest.
        case annotation
        /// The history begins with the whole history of a known image, whose layers were packed in another way.
        case history
    }

    /// The owner of a layer.
    public enum LayerOwner: String, Sendable, CaseIterable {
        /// The base; only another base or a rewrite of the image changes its bytes.
        case base
        /// The Dockerfile above it.
        case yours
        /// No fact shows the owner.
        case unknown
    }

    /// The base's name, if it is known.
    public let name: String?
    /// The digest of its manifest, if it is known.
    public let digest: Digest?
    /// The number of its layers, which are the lowest; nil if it is not known.
    public let layerCount: Int?
    /// The fact; nil if the base is unknown.
    public let evidence: Evidence?

    /// No knowledge about a base.
    public static let unknown = BaseImage(name: nil, digest: nil, layerCount: nil, evidence: nil)

    /// Returns the owner of a layer.
    public func owner(of layer: Int) -> LayerOwner {
        layerCount.map { layer < $0 ? .base : .yours } ?? .unknown
    }

    /// Returns the common owner of several layers; nil if they have different ones, or for none.
    func owner<Layers: Sequence<Int>>(of layers: Layers) -> LayerOwner? {
        let owners = Set(layers.map { owner(of: $0) })
        return owners.count == 1 ? owners.first : nil
    }
}

// MARK: - Search

extension BaseImage {
    /// Finds the base of an image among known images, in its annotations and in its history.
    public init(of image: Image, among known: [KnownImage]) {
        let annotations = image.manifest.annotations
        let name = annotations[BaseAnnotation.name].flatMap { $0.isEmpty ? nil : $0 }
        let digest = annotations[BaseAnnotation.digest].flatMap { try? Digest($0) }
        let candidates = known.filter { $0.isBase(of: image) }.sorted { left, right in
            (right.diffIDs.count, right.history.count, left.name) < (left.diffIDs.count, left.history.count, right.name)
        }
        // An intermediate image of the same Dockerfile may be stored too; the annotation decides.
        let annotated = digest.flatMap { digest in candidates.first { $0.digest == digest } }
        if let found = annotated ?? candidates.first {
            self.init(name: found.name, digest: found.digest, layerCount: found.diffIDs.count, evidence: .layers)
            return
        }
        let relative = known.filter { $0.hasBegun(image) }.max { $0.history.count < $1.history.count }
        if name != nil || digest != nil {
            self.init(name: name, digest: digest, layerCount: relative?.layerLines, evidence: .annotation)
        } else if let relative {
            self.init(name: relative.name, digest: nil, layerCount: relative.layerLines, evidence: .history)
        } else {
            self = .unknown
        }
    }
}

/// An image that may be the base of others.
public struct KnownImage: Sendable, Equatable {
    /// The name for people.
    public let name: String
    /// The digest of the manifest.
    public let digest: Digest
    /// The digests of the layers' tars, lowest first.
    public let diffIDs: [Digest]
    /// The history, oldest first.
    public let history: [History]

    /// Makes an image of these values.
    public init(name: String, digest: Digest, diffIDs: [Digest], history: [History]) {
        (self.name, self.digest, self.diffIDs, self.history) = (name, digest, diffIDs, history)
    }

    /// Reads the images that have a name in a store, for one platform.
    ///
    /// An unreadable image, or one for other platforms, is no candidate.
    public static func all(in store: Store, for platform: Platform) throws -> [KnownImage] {
        try store.images().compactMap { name, descriptor in
            guard let image = try? store.image(descriptor, for: platform, name: name) else { return nil }
            return KnownImage(image, named: (try? Reference(name).familiar) ?? name)
        }
    }

    /// Takes an image as a possible base.
    public init(_ image: Image, named name: String) {
        self.init(
            name: name, digest: image.descriptor.digest, diffIDs: image.layers.map(\.diffID),
            history: image.config.history)
    }

    /// The number of history lines with a layer.
    fileprivate var layerLines: Int { history.count { !$0.isEmptyLayer } }

    /// True if all layers are the lowest of `image`, which has something on top of them.
    fileprivate func isBase(of image: Image) -> Bool {
        guard !diffIDs.isEmpty, image.layers.map(\.diffID).starts(with: diffIDs) else { return false }
        if diffIDs.count < image.layers.count { return true }
        // Instructions without a layer, such as CMD; an alias of the same image has none.
        let all = image.config.history
        return history.count < all.count && all.starts(with: history)
    }

    /// True if the history of `image` goes on after this one's, with the same times.
    fileprivate func hasBegun(_ image: Image) -> Bool {
        let all = image.config.history
        return layerLines > 0 && layerLines == diffIDs.count && history.count < all.count && all.starts(with: history)
            && history.contains { $0.created != nil } && ImageHistory.claimedLayers(of: image) == image.layers.count
    }
}
