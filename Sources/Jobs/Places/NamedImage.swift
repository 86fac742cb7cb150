public import OCI
internal import Registry

/// An image by its name on the command line, with or without an explicit transport.
public struct NamedImage: Sendable {
    /// The name as it was written.
    public let text: String

    /// Makes a name, which is parsed when the image is needed.
    public init(_ text: String) { self.text = text }

    /// Finds the image or index; a name that the store does not have is looked up in its registry.
    public func set(
        in store: Store, _ registry: RegistrySettings = .standard, _ host: any JobHost
    ) async throws -> ImageSet {
        try await Transport(text).set(
            in: store, client: { try host.registryClient(.auto, registry.apply) }, host: host)
    }

    /// Finds the image for this machine's platform.
    public func image(in store: Store, _ host: any JobHost) async throws -> Image {
        try await set(in: store, .standard, host).image(for: .host, name: text)
    }

    /// Finds the image for this machine's platform, with its layers as they are exported: for sizes as on the wire.
    public func exported(in store: Store, _ host: any JobHost) async throws -> Image {
        try store.exported(await image(in: store, host))
    }
}
