internal import Analysis
public import Build
internal import OCI

/// The comparison of two builds of the same input.
public enum Reproducibility {
    /// Expects that two builds gave the same image.
    ///
    /// - Parameter report: Receives the differences, file by file.
    /// - Throws: A failure with the instruction of the first layer that differs.
    public static func expectSame(
        _ first: BuildResult, _ second: BuildResult, report: (String) -> Void
    ) async throws {
        if first.image.descriptor.digest == second.image.descriptor.digest { return }
        let difference = try await ImageDiff(between: first.image, and: second.image)
        report(difference.text(limit: 20))
        let layer = difference.firstLayer.map { $0 < second.image.layers.count ? second.image.step(of: $0) : "" } ?? ""
        throw Failure(
            "two builds gave different images; the first layer that differs is that of: \(layer)",
            remedy: "the output of the command depends on time, randomness or order", status: .gateBroken)
    }
}

extension Image {
    /// Returns the instruction that made the layer at this index.
    fileprivate func step(of layer: Int) -> String {
        let steps = config.history.filter { !$0.isEmptyLayer }
        return steps.indices.contains(layer) ? steps[layer].createdBy ?? "" : ""
    }
}
