internal import Build
internal import Linux
public import OCI
internal import SystemPackage

/// The writer of a build's result to all of its outputs.
///
/// ```
/// images of all platforms ─► squash ─┬─► form ─► manifests, index ─► oci, docker, image, registry
///                                    └─► trees ──────────────────► local, tar
/// ```
public struct Outputs: Sendable {
    let store: Store
    /// One image for each platform, in the order of the command line.
    let images: [BuiltImage]
    let annotations: Annotations
    /// The names of `-t`, for outputs without names of their own.
    let names: [Reference]
    /// The upper bound of times in written files, in seconds since 1970; nil for none.
    let epoch: Int64?
    /// The maker of attestations; nil for none.
    let attester: Attester?

    let host: any JobHost

    /// Makes a writer.
    ///
    /// - Parameters:
    ///   - images: One image for each platform, in the order of the command line.
    ///   - names: The names of `-t`, for outputs without names of their own.
    ///   - epoch: The upper bound of times in written files, in seconds since 1970; nil for none.
    ///   - attester: The maker of attestations; nil for none.
    public init(
        store: Store, images: [BuiltImage], annotations: Annotations, names: [Reference], epoch: Int64?,
        attester: Attester? = nil, host: any JobHost
    ) {
        self.store = store
        self.images = images
        self.annotations = annotations
        self.names = names
        self.epoch = epoch
        self.attester = attester
        self.host = host
    }

    /// An image and the number of its layers that belong to the base image.
    public struct BuiltImage: Sendable {
        /// The image.
        public var image: Image
        /// The number of the lowest layers that belong to the base image.
        public var baseLayerCount: Int

        /// Makes a built image.
        public init(image: Image, baseLayerCount: Int) {
            self.image = image
            self.baseLayerCount = baseLayerCount
        }
    }

    /// Writes one output; returns the image as it was written, or nil for an output of files.
    public func write(_ output: Output) async throws -> ImageSet? {
        if attester != nil, output.kind == .docker {
            host.note("-o type=docker has no place for attestations, so it is written without them")
        }
        switch output.kind {
        case .cacheonly: return nil
        case .local:
            try await writeDirectory(output)
            return nil
        case .tar:
            try await writeTar(output)
            return nil
        case .oci, .docker, .image, .registry:
            let set = try await set(output)
            try await write(set, output, names: output.names.isEmpty ? names : output.names)
            return set
        }
    }

    /// Converts the images to the form of an output, in the store.
    public func set(_ output: Output) async throws -> ImageSet {
        var annotations = annotations
        annotations.add(output.annotations)
        var form = output.form
        // Another output of the same build may need the compressed layers.
        form.isDeferred = output.staysInStore && attester == nil
        let (images, store) = (images, store)
        let attester = output.hasAttestations ? attester : nil
        let names = output.names.isEmpty ? names : output.names
        return try await Offload.run { [annotations, form] in
            let converted = try images.map { built in
                try built.image.converted(to: form, above: built.baseLayerCount, into: store)
            }
            return try store.assemble(converted, annotations, form: output.attestationForm) { index, digest in
                attester?.attestations(of: index, digest, names: names) ?? []
            }
        }
    }

    private func write(_ set: ImageSet, _ output: Output, names: [Reference]) async throws {
        switch output.kind {
        case .oci, .docker:
            let layout = LayoutExport([(set, names.map { .reference($0) })], docker: output.kind == .docker)
            let path = output.destination ?? ""
            if output.isTar {
                let destination = try OutputDestination(path, host)
                try await Offload.run { try destination.write { try layout.write(to: $0) } }
            } else {
                try await Offload.run { try layout.write(to: FilePath(path)) }
            }
        case .image, .registry:
            if output.kind == .image { for name in names { try store.publish(set, as: name) } }
            if output.isPushed { try await OutputPush.run(set, names, output, in: store, host) }
        case .local, .tar, .cacheonly: preconditionFailure("these have no image")
        }
    }
}
