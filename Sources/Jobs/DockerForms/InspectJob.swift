internal import Analysis
internal import Linux
public import OCI

/// The job of `thaw inspect --format`.
public struct InspectJob {
    private let store: Store

    /// Makes a job on a store.
    public init(in store: Store) { self.store = store }

    /// Returns the text of a template for an image: ``DockerInspection``.
    public func text(of image: Image, _ template: Template) async throws -> String {
        // The unpacked size needs the headers of all layers.
        let size = template.reads("Size") ? Waste(of: try await store.tree(of: image)).shippedBytes : 0
        let names = try store.images().filter { $0.descriptor.digest == image.descriptor.digest }
            .map { try Reference($0.name) }
        return try template.text(
            of: try DockerInspection.document(of: image, names: names, unpackedSize: size))
    }
}
