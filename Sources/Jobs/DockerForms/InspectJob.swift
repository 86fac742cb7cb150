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

/// The part of an image that `thaw inspect` shows.
public enum InspectedPart: Sendable {
    /// The manifest, byte for byte.
    case manifest
    /// The configuration, byte for byte.
    case configuration
    /// The provenance statement.
    case provenance
    /// The statement with the list of packages.
    case packages
    /// A summary in a format: `json`, `text` or a Go template.
    case summary(String)
}

extension InspectJob {
    /// Returns a part of the image for this machine.
    ///
    /// - Parameter isVerified: True to read and verify every blob before.
    public func printout(
        _ part: InspectedPart, of set: ImageSet, named name: String, isVerified: Bool
    ) async throws -> Printout {
        let image = try set.image(for: .host, name: name)
        if isVerified { try await image.validate() }
        let digest = image.descriptor.digest
        func statement(_ types: [String]) throws -> Printout {
            guard let statement = try set.statement(types, about: digest) else {
                throw Failure("'\(name)' has no attestation of type \(types[0])")
            }
            return .exact(statement)
        }
        switch part {
        case .manifest: return .exact(image.manifestBytes)
        case .configuration: return .exact(image.configBytes)
        case .provenance: return try statement([Attestation.provenance, Attestation.oldProvenance])
        case .packages: return try statement([Attestation.billOfMaterials])
        case .summary("json"):
            let attestations = try set.attestations(of: digest)
            return .document(try JSON.inspection(of: image, name: name, attestations, isVerified: isVerified))
        case .summary("text"):
            let lines = InspectionText.lines(image, name: name, try set.attestations(of: digest))
            return .text(lines.joined(separator: "\n"))
        case .summary(let template):
            return .text(try await text(of: image, Template(template, besides: "json or text")))
        }
    }
}
