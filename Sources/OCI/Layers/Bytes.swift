/// Bytes that come in chunks.
public protocol ByteSource: AnyObject {
    /// The next chunk, of a size that suits the source; empty at the end and only there.
    func next() throws -> [UInt8]
}

/// Bytes that go somewhere.
public protocol ByteSink: AnyObject {
    /// Takes all of `bytes`.
    func write(_ bytes: ArraySlice<UInt8>) throws
}

extension ByteSink {
    /// Takes all of `bytes`.
    public func write(_ bytes: [UInt8]) throws { try write(bytes[...]) }
}

/// A source over bytes in memory.
public final class MemorySource: ByteSource {
    private var bytes: [UInt8]

    /// Gives `bytes` in one chunk.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public func next() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }
}

/// A sink that keeps what it gets.
public final class MemorySink: ByteSink {
    /// Everything written so far.
    public private(set) var bytes: [UInt8] = []

    /// Empty.
    public init() {}

    public func write(_ bytes: ArraySlice<UInt8>) { self.bytes += bytes }
}
