import ArgumentParser
import Jobs
import OCI
import Registry
import TTY

/// An argument that names an image, with or without an explicit transport.
struct ImageArgument: ExpressibleByArgument {
    let text: String

    init(argument: String) { text = argument }

    /// Finds the image for this machine's platform.
    func image(in store: Store, _ registry: RegistryOptions = .standard) async throws -> Image {
        try await set(in: store, registry).image(for: .host, name: text)
    }

    /// Finds the image for this machine's platform, with its layers as they are exported: for sizes as on the wire.
    func exportedImage(in store: Store, _ registry: RegistryOptions = .standard) async throws -> Image {
        try store.exported(await image(in: store, registry))
    }

    /// Finds the image or index with the name; a name that the store does not have is looked up in its registry.
    func set(in store: Store, _ registry: RegistryOptions = .standard) async throws -> ImageSet {
        try await Transport(text).set(in: store, client: { try registry.client() }, host: TerminalHost())
    }
}

extension Transport {
    /// The help of an argument that names an image.
    static let help = """
        Image: NAME (in the store, else in its registry), docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], \
        docker-archive:FILE[:NAME], docker-daemon:NAME or containers-storage:NAME.
        """
}
