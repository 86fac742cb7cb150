public import Analysis
internal import ColdStart
public import OCI

/// The figures of an image that budgets limit.
public struct ImageFigures: Sendable, Equatable {
    /// The bytes of all layers, as stored and transferred.
    public var compressedSize: Int64
    /// The bytes of the files in all layers.
    public var unpackedSize: Int64
    /// The number of layers.
    public var layerCount: Int
    /// The bytes of files in layers that no container sees.
    public var wastedBytes: Int64
    /// The median time to the first request in milliseconds; nil if it was not measured.
    public var startMilliseconds: Double?
    /// True if that time is counted, with one nanosecond for each instruction.
    public var isStartCounted = false
    /// The median of the program's instructions until the first byte; nil if they were not counted.
    public var startWork: Double?

    /// Makes figures of these values.
    public init(
        compressedSize: Int64, unpackedSize: Int64, layerCount: Int, wastedBytes: Int64,
        startMilliseconds: Double? = nil
    ) {
        self.compressedSize = compressedSize
        self.unpackedSize = unpackedSize
        self.layerCount = layerCount
        self.wastedBytes = wastedBytes
        self.startMilliseconds = startMilliseconds
    }

    /// Takes the figures of an image, its waste, and a measured start.
    public init(of image: Image, _ waste: Waste, startMilliseconds: Double?) {
        self.init(
            compressedSize: image.compressedSize, unpackedSize: waste.shippedBytes, layerCount: image.layers.count,
            wastedBytes: waste.wastedBytes, startMilliseconds: startMilliseconds)
    }
}

extension ImageFigures {
    /// Takes the figures of a start.
    mutating func take(_ start: StartMeasurement) {
        startMilliseconds = start.timeToFirstRequest.median
        isStartCounted = start.work != nil
        startWork = start.work?.programInstructions
    }
}
