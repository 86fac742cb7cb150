import ArgumentParser
import Jobs
import Linux
import OCI
import Registry
import Synchronization
import SystemPackage

/// An argument that names an image, with or without an explicit transport.
struct ImageArgument: ExpressibleByArgument {
    let text: String

    init(argument: String) { text = argument }

    /// Finds the image for this machine's platform.
    func image(in store: Store, _ registry: RegistryOptions = .standard) async throws -> Image {
        try await set(in: store, registry).image(for: .host, name: text)
    }

    /// Finds the image or index with the name; a name that the store does not have is looked up in its registry.
    func set(in store: Store, _ registry: RegistryOptions = .standard) async throws -> ImageSet {
        let transport = try Transport(text)
        if case .registry(let name) = transport { return try await registry.client().set(name, keepingIn: store) }
        do {
            return try await Offload.run { try transport.read(store) }
        } catch let error as OCIError {
            guard case (.store(let name), .imageNotFound) = (transport, error) else { throw error }
            do {
                return try await registry.client().set(name, keepingIn: store)
            } catch let other as RegistryError {
                throw Failure(missing: name, in: error, other)
            }
        }
    }
}

/// The place of an image, in skopeo's syntax.
enum Transport: Sendable {
    case store(Reference)
    case layout(FilePath, tag: String?)
    case ociArchive(FilePath, tag: String?)
    case dockerArchive(FilePath, name: String?)
    case docker(Reference)
    case podman(Reference)
    case registry(Reference)

    static let help = """
        Image: NAME (in the store, else in its registry), docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], \
        docker-archive:FILE[:NAME], docker-daemon:NAME or containers-storage:NAME.
        """

    init(_ text: String) throws {
        guard let colon = text.firstIndex(of: ":") else {
            self = .store(try reference(text))
            return
        }
        let rest = text[text.index(after: colon)...]
        /// `PATH[:NAME]`
        func place() throws -> (FilePath, String?) {
            let parts = rest.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let path = parts.first, !path.isEmpty else {
                throw Failure("'\(text)' has no path", status: .usage)
            }
            return (FilePath(path), parts.count > 1 ? parts[1] : nil)
        }
        switch text[..<colon] {
        case "oci":
            let (path, tag) = try place()
            self = .layout(path, tag: tag)
        case "oci-archive":
            let (path, tag) = try place()
            self = .ociArchive(path, tag: tag)
        case "docker-archive":
            let (path, name) = try place()
            self = .dockerArchive(path, name: name)
        case "docker-daemon": self = .docker(try reference(String(rest)))
        case "containers-storage": self = .podman(try reference(String(rest)))
        case "docker" where rest.hasPrefix("//"):
            self = .registry(try reference(String(rest.dropFirst(2))))
        case "dir", "ostree", "sif",
            "tarball" where rest.hasPrefix("/") || rest.hasPrefix("."):
            throw Failure(
                "'\(text)': thaw has no transport '\(text.prefix { $0 != ":" })'",
                remedy:
                    "use oci:, oci-archive:, docker-archive:, docker-daemon:, containers-storage: or docker://",
                status: .usage)
        default: self = .store(try reference(text))
        }
    }
}

// MARK: - Reading

extension Transport {
    /// Reads the image; one from an archive, Docker or Podman is copied into the store without a name.
    func read(_ store: Store) throws -> ImageSet {
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
            let images = try PipedProcess.read(words) { try store.images(inArchive: $0, name: place) }
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
    /// Writes `set` to the place.
    func write(_ set: ImageSet, _ store: Store) throws {
        switch self {
        case .store(let reference): try store.publish(set, as: reference)
        case .layout(let directory, let tag): try Layout.write(set, to: directory, tag: tag ?? "latest")
        case .ociArchive(let path, let tag):
            let layout = LayoutExport([(set, tag.map { [.tag($0)] } ?? [])])
            try OutputDestination(path.string).write { try layout.write(to: $0) }
        case .dockerArchive(let path, let name):
            let names = try name.map { [LayoutExport.Name.reference(try reference($0))] } ?? []
            try OutputDestination(path.string).write { try LayoutExport([(set, names)], docker: true).write(to: $0) }
        case .docker(let reference):
            try DockerDaemon().write { try LayoutExport([(set, [.reference(reference)])], docker: true).write(to: $0) }
        case .podman(let reference):
            try PipedProcess.write(["podman", "load", "-q"]) {
                try LayoutExport([(set, [.reference(reference)])], docker: true).write(to: $0)
            }
        case .registry: preconditionFailure("registries are written asynchronously")
        }
    }
}
