/// A source of bytes in chunks.
public protocol ByteSource: AnyObject {
    /// Returns the next chunk, of a size that suits the source; it is empty only at the end.
    func next() throws -> [UInt8]
}

/// A target of bytes.
public protocol ByteSink: AnyObject {
    /// Writes all of `bytes`.
    func write(_ bytes: ArraySlice<UInt8>) throws
}

extension ByteSink {
    /// Writes all of `bytes`.
    public func write(_ bytes: [UInt8]) throws { try write(bytes[...]) }
}

/// A source over bytes in memory.
public final class MemorySource: ByteSource {
    private var bytes: [UInt8]

    /// Makes a source with `bytes` in one chunk.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public func next() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }
}

/// A sink that keeps its bytes in memory.
public final class MemorySink: ByteSink {
    /// Everything written so far.
    public private(set) var bytes: [UInt8] = []

    /// Makes an empty sink.
    public init() {}

    public func write(_ bytes: ArraySlice<UInt8>) { self.bytes += bytes }
}
