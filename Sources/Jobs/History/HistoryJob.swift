public import Analysis
public import OCI

/// The history of an image, with unpacked sizes where they cost no download.
public struct HistoryJob {
    private let store: Store
    private let place: Transport

    /// Makes a job for the image at a place.
    public init(in store: Store, _ place: Transport) { (self.store, self.place) = (store, place) }

    /// Returns the history.
    ///
    /// The layers of an image in a registry are not downloaded: their unpacked sizes are unknown, unless
    /// `downloads` is true or the store has all of them.
    public func history(of image: Image, downloads: Bool) async throws -> ImageHistory {
        let hasLayers = try downloads || isLocal || image.layers.allSatisfy { try store.has($0.descriptor) }
        return hasLayers ? ImageHistory(of: image, in: try await store.tree(of: image)) : ImageHistory(of: image)
    }

    private var isLocal: Bool {
        switch place {
        case .registry, .store: false
        case .layout, .ociArchive, .dockerArchive, .docker, .podman: true
        }
    }
}
