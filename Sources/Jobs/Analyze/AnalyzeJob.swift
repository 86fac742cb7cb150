public import Analysis
public import Linux
public import OCI
internal import SystemPackage

/// The analysis of an image, with the store's other images as possible bases.
public struct AnalyzeJob {
    private let store: Store
    private let policy: SecretPolicy

    /// Makes a job; `policy` has the rules for secrets.
    public init(in store: Store, policy: SecretPolicy = .standard) {
        self.store = store
        self.policy = policy
    }

    /// Reads every layer once and returns the report; layers whose facts the store has kept are not read.
    ///
    /// - Parameter asDive: True for the efficiency and waste that dive computes.
    public func report(on image: Image, named name: String, asDive: Bool = false) async throws -> Report {
        var report = try await Report(of: image, reference: name, base: base(of: image), policy: policy, keptIn: store)
        if asDive {
            let store = store
            report.dive = try await Offload.run {
                DiveMetric(try image.layers.map { try store.entries(of: $0, in: image) })
            }
        }
        return report
    }

    /// Lists the files of an image, from the headers of its layers.
    public func files(of image: Image, named name: String, _ options: FileReport.FileSelection) async throws
        -> FileReport
    {
        if let layer = options.layer, !image.layers.indices.contains(layer) {
            throw Failure(
                "there is no layer \(layer): '\(name)' has "
                    + (image.layers.isEmpty ? "no layers" : "the layers 0 to \(image.layers.count - 1)"),
                status: .usage)
        }
        let tree = try await store.tree(of: image)
        return try await Offload.run { FileReport(of: image, in: tree, reference: name, options) }
    }

    /// The standard of a bill of materials.
    public enum BillFormat: Sendable {
        case spdx, cycloneDX
    }

    /// Lists the packages of an image in a standard's document; `version` is that of this program.
    public func packages(
        of image: Image, named name: String, _ format: BillFormat, version: String
    ) async throws -> JSON {
        let bill = try await BillOfMaterials(of: image, keptIn: store)
        let (digest, created) = (image.descriptor.digest, image.config.createdSecond)
        return switch format {
        case .spdx: bill.spdx(of: digest, named: name, created: created, tool: "thaw-\(version)")
        case .cycloneDX: bill.cycloneDX(of: digest, named: name, created: created, version: version)
        }
    }

    /// Finds the base of an image.
    func base(of image: Image) throws -> BaseImage {
        let named = try KnownImage.all(in: store, for: image.config.platform)
        return BaseImage(of: image, among: named + [annotated(image)].compactMap { $0 })
    }

    /// Returns the base that an image's annotations name, if the store has its documents, as after a build from it.
    ///
    /// A base that can't be read is not known.
    private func annotated(_ image: Image) -> KnownImage? {
        let annotations = image.manifest.annotations
        guard let digest = annotations[BaseAnnotation.digest].flatMap({ try? Digest($0) }),
            let bytes = try? store.root.contents(
                of: FilePath("blobs/sha256/\(digest.hex)"), limit: Int(Image.documentLimit)),
            let base = try? Image(
                manifest: Descriptor(mediaType: .manifest, digest: digest, size: Int64(bytes.count)), in: store)
        else { return nil }
        let name = annotations[BaseAnnotation.name].flatMap { try? Reference($0).familiar }
        return KnownImage(base, named: name ?? digest.short)
    }
}
