extension Image {
    /// Recomputes everything an image promises: each blob's size and digest, each layer's diff ID, its entries and that
    /// they make a tree, and that history and layers match in number.
    ///
    /// Reads every byte. Returns the tree, since it was built anyway.
    @discardableResult
    public func validate() async throws -> FileTree {
        _ = try source.read(descriptor)
        _ = try source.read(manifest.config)
        let layered = config.history.filter { !$0.isEmptyLayer }.count
        guard config.history.isEmpty || layered == layers.count else {
            throw OCIError.invalidImage("its history tells of \(layered) layers, but it has \(layers.count)")
        }
        return try await tree()
    }
}

extension Store {
    /// Validates every image of the store; gives how many there are.
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
