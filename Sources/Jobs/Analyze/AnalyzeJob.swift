public import Analysis
internal import Linux
public import OCI

/// The analysis of an image, with the store's other images as possible bases.
public struct AnalyzeJob {
    private let store: Store

    /// Makes a job.
    public init(in store: Store) { self.store = store }

    /// Reads every layer once and returns the report.
    ///
    /// - Parameter asDive: True for the efficiency and waste that dive computes.
    public func report(on image: Image, named name: String, asDive: Bool = false) async throws -> Report {
        var report = try await Report(of: image, reference: name, base: base(of: image))
        if asDive {
            let store = store
            report.dive = try await Offload.run {
                DiveMetric(try image.layers.map { try store.entries(of: $0, in: image) })
            }
        }
        return report
    }

    /// Lists the files of an image, from the headers of its layers.
    public func files(of image: Image, named name: String, _ options: FileReport.Options) async throws -> FileReport {
        if let layer = options.layer, !image.layers.indices.contains(layer) {
            throw Failure(
                "there is no layer \(layer): '\(name)' has "
                    + (image.layers.isEmpty ? "no layers" : "the layers 0 to \(image.layers.count - 1)"),
                status: .usage)
        }
        let tree = try await store.tree(of: image)
        return try await Offload.run { FileReport(of: image, in: tree, reference: name, options) }
    }

    /// Finds the base of an image.
    func base(of image: Image) throws -> BaseImage {
        BaseImage(of: image, among: try KnownImage.all(in: store, for: image.config.platform))
    }
}
