internal import Linux
public import OCI
public import Registry
internal import Synchronization
internal import SystemPackage

// MARK: - Reading

extension Transport {
    /// Finds the image or index at the place; a name that the store does not have is looked up in its registry.
    ///
    /// - Parameter client: Makes the client of registries, if one is needed.
    public func set(
        in store: Store, client: () throws -> RegistryClient, host: any JobHost
    ) async throws -> ImageSet {
        if case .registry(let name) = self { return try await client().set(name, keepingIn: store) }
        do {
            return try await Offload.run { try read(store, host) }
        } catch let error as OCIError {
            guard case (.store(let name), .imageNotFound) = (self, error) else { throw error }
            do {
                return try await client().set(name, keepingIn: store)
            } catch let other as RegistryError {
                throw Failure(missing: name, in: error, other)
            }
        }
    }

    /// Reads the image at a place that is no registry; one from an archive, Docker or Podman is copied into the store without a name.
    public func read(_ store: Store, _ host: any JobHost) throws -> ImageSet {
        switch self {
        case .store(let reference): return try store.set(reference)
        case .layout(let directory, let tag): return try Layout(at: directory).set(tag: tag)
        case .ociArchive(let path, let name), .dockerArchive(let path, let name):
            try Lease.acquire(store)
            return try store.image(name, at: path)
        case .docker(let reference):
            try Lease.acquire(store)
            return try DockerDaemon().read(reference) {
                try store.images(inArchive: $0, name: "docker-daemon:\(reference.familiar)")
            }.set
        case .podman(let reference):
            try Lease.acquire(store)
            let words = ["podman", "save", "-q", "--format", "docker-archive", reference.description]
            let place = "containers-storage:\(reference.familiar)"
            let images = try PipedProcess.read(words, host) { try store.images(inArchive: $0, name: place) }
            guard let image = images.first else { throw Failure("\(place) has no image") }
            return image.set
        case .registry: preconditionFailure("registries are read asynchronously")
        }
    }

    /// A lease until the end of the process, so that images without a name are not collected meanwhile.
    private enum Lease {
        private struct Storage: ~Copyable {
            var lock: Lock?
        }

        private static let storage = Mutex(Storage())

        static func acquire(_ store: Store) throws {
            try storage.withLock { $0.lock = try store.lease() }
        }
    }
}

// MARK: - Writing

extension Transport {
    /// Writes `set` to the place, which is none in a registry.
    func write(_ set: ImageSet, _ store: Store, _ host: any JobHost) throws {
        switch self {
        case .store(let reference): try store.publish(set, as: reference)
        case .layout(let directory, let tag): try Layout.write(set, to: directory, tag: tag ?? "latest")
        case .ociArchive(let path, let tag):
            let layout = LayoutExport([(set, tag.map { [.tag($0)] } ?? [])])
            try OutputDestination(path.string, host).write { try layout.write(to: $0) }
        case .dockerArchive(let path, let name):
            let names = try name.map { [LayoutExport.Name.reference(try reference($0))] } ?? []
            try OutputDestination(path.string, host).write {
                try LayoutExport([(set, names)], docker: true).write(to: $0)
            }
        case .docker(let reference):
            try DockerDaemon().write { try LayoutExport([(set, [.reference(reference)])], docker: true).write(to: $0) }
        case .podman(let reference):
            try PipedProcess.write(["podman", "load", "-q"], host) {
                try LayoutExport([(set, [.reference(reference)])], docker: true).write(to: $0)
            }
        case .registry: preconditionFailure("registries are written asynchronously")
        }
    }
}
