internal import Linux
public import OCI
public import Registry

/// The replacement of an image's base by another one, such as the base's current version.
///
/// ```
/// image ─► annotations: name and digest of its base ─► old base, new base ─► own layers on the new base
/// ```
public struct RebaseJob {
    private let store: Store
    private let client: RegistryClient
    private let host: any JobHost

    /// Makes a job; `store` also gets the layers of the new base.
    public init(in store: Store, client: RegistryClient, host: any JobHost) {
        self.store = store
        self.client = client
        self.host = host
    }

    /// Rebases the images of all platforms, and returns the result, which has the name `target` in the store.
    ///
    /// - Parameters:
    ///   - name: The image's name in the user's command.
    ///   - old: The old base, for an image that does not name it.
    ///   - new: The new base; nil for the current image with the name of the old base.
    public func run(
        _ source: Transport, named name: String, from old: String?, onto new: String?, as target: Reference
    ) async throws -> ImageSet {
        let lease = try store.lease()
        let set = try await self.set(source)
        var images: [Image] = []
        for image in try set.images() {
            let bases = try await bases(of: image, named: name, from: old, onto: new)
            images.append(try await rebased(image, named: name, bases))
        }
        if try set.manifests().contains(where: \.isAttestation) {
            host.note("the attestations of '\(name)' are left out, because they are about its old base too")
        }
        let (store, made) = (store, images)
        let result = try await Offload.run { try store.publish(store.assemble(made), as: target) }
        try lease.release()
        return result
    }

    /// Returns the name of the result: the requested one, else the image's own.
    public static func target(_ requested: String?, of source: Transport) throws -> Reference {
        if let requested { return try reference(requested) }
        switch source {
        case .store(let name) where name.digest == nil, .registry(let name) where name.digest == nil: return name
        default: throw Failure("the result needs a name", remedy: "add -t NAME", status: .usage)
        }
    }

    private func rebased(_ image: Image, named name: String, _ bases: Bases) async throws -> Image {
        let store = store
        return try await Offload.run {
            for layer in bases.new.layers where try !store.has(layer.descriptor) {
                try store.put(bases.new.source.open(layer.descriptor), expecting: layer.descriptor)
            }
            do {
                let rebased = try image.rebased(from: bases.old, onto: bases.new)
                return rebased.based(on: bases.newName, bases.new.descriptor.digest)
            } catch OCIError.invalidImage {
                throw Failure(
                    "'\(name)' cannot be rebased: the layers of its old base \(bases.oldName) are not its lowest layers",
                    remedy: "name the base that it was built on with --old-base, or build it again")
            }
        }
    }

    private func set(_ place: Transport) async throws -> ImageSet {
        try await place.set(in: store, client: { client }, host: host)
    }
}

// MARK: - Bases

extension RebaseJob {
    /// The old and the new base of an image.
    private struct Bases {
        let old: Image
        /// The old base for messages.
        let oldName: String
        let new: Image
        /// The name of the new base; nil for one outside of the store and of registries.
        let newName: Reference?
    }

    private func bases(
        of image: Image, named name: String, from old: String?, onto new: String?
    ) async throws -> Bases {
        let platform = image.config.platform
        let annotations = image.manifest.annotations
        let baseName = annotations[BaseAnnotation.name]
        guard let newText = new ?? baseName else {
            throw Failure("'\(name)' does not name its base", remedy: "name the new base with --onto", status: .usage)
        }
        // Only the user may name a file or an engine; an annotation comes from outside and is a name.
        let place = try new.map { try Transport($0) } ?? .store(Reference(newText))
        let newBase = try await set(place).image(for: platform, name: newText)
        if let old {
            let oldBase = try await set(Transport(old)).image(for: platform, name: old)
            return Bases(old: oldBase, oldName: old, new: newBase, newName: place.reference)
        }
        guard let text = annotations[BaseAnnotation.digest], let digest = try? Digest(text) else {
            throw Failure(
                "'\(name)' does not say which base it was built on", remedy: "name its old base with --old-base",
                status: .usage)
        }
        let oldName = (baseName ?? "its base") + "@\(digest.short)"
        let oldBase = try await self.old(digest, baseName, for: platform, shown: oldName, of: name)
        return Bases(old: oldBase, oldName: oldName, new: newBase, newName: place.reference)
    }

    /// Returns the old base from the store, also one that lost its name to a newer version, or else from its registry.
    private func old(
        _ digest: Digest, _ name: String?, for platform: Platform, shown: String, of image: String
    ) async throws -> Image {
        if let found = try store.manifest(digest) { return try store.image(found, for: platform, name: shown) }
        let remedy = "name the old base with --old-base"
        guard let reference = try name.map({ try Reference($0).pinned(to: digest) }) else {
            throw Failure("the old base \(shown) of '\(image)' is not in the store", remedy: remedy)
        }
        do {
            return try await client.set(reference).image(for: platform, name: shown)
        } catch let error as RegistryError {
            throw Failure("the old base of '\(image)' cannot be read: \(error)", remedy: remedy)
        }
    }
}

extension Transport {
    /// The name of an image in the store or in a registry; nil for other places.
    fileprivate var reference: Reference? {
        switch self {
        case .store(let name), .registry(let name): name
        default: nil
        }
    }
}
