extension Image {
    /// Checks an image against its documents and returns its tree.
    ///
    /// It recomputes each blob's size and digest and each layer's diff ID, and reads every byte. The layers' entries
    /// must make a tree, and the history must have as many layers as the image.
    @discardableResult
    public func validate() async throws -> FileTree {
        _ = try source.read(descriptor)
        _ = try source.read(manifest.config)
        let layered = config.history.filter { !$0.isEmptyLayer }.count
        guard config.history.isEmpty || layered == layers.count else {
            throw OCIError.invalidImage("its history lists \(layered) layers, but it has \(layers.count)")
        }
        return try await reading(from: BlobsAlone(source: source)).tree()
    }
}

/// A source that never replaces a layer's blob by its plain tar.
private struct BlobsAlone: BlobSource {
    let source: any BlobSource

    func open(_ blob: Descriptor) throws -> any ByteSource { try source.open(blob) }
}

extension Store {
    /// Validates every image of the store and returns their number.
    ///
    /// - Throws: The first fault found.
    public func validate() async throws -> Int {
        let images = try images()
        for (_, descriptor) in images {
            for image in try ImageSet(descriptor, in: self).images() { try await image.validate() }
        }
        return images.count
    }
}
