public import ColdStart
public import OCI

/// An image to start.
public struct StartSubject: Sendable {
    /// The image.
    public let image: Image
    /// Its tree, if it was already made.
    public let tree: FileTree?

    /// Makes a subject.
    public init(_ image: Image, tree: FileTree? = nil) {
        self.image = image
        self.tree = tree
    }
}

/// The measured starts of two images in turns, and their comparison.
public struct StartPair: Sendable {
    /// The starts of the first image.
    public let before: StartMeasurement
    /// The starts of the second image.
    public let after: StartMeasurement
    /// The comparison.
    public let comparison: StartComparison

    /// Compares two measurements.
    public init(_ before: StartMeasurement, _ after: StartMeasurement) throws(ColdStartError) {
        comparison = try StartComparison(before, after)
        (self.before, self.after) = (before, after)
    }

    /// True if these times are an emulator's, so that only counted work has a verdict.
    public var isEmulatedTime: Bool { comparison.basis == .time && !before.isAccelerated }
}
