internal import Synchronization

/// The places of a tar's bytes in its compressed blob, recorded while the blob is decompressed.
///
/// A mark follows each chunk of output. Between two marks the bytes share the compressed ones evenly.
public final class CompressionMap: Sendable {
    private struct MapPoint {
        var plain: Int64 = 0
        var packed: Int64 = 0
    }

    private let marks = Mutex([MapPoint()])

    /// Makes an empty map.
    public init() {}

    /// Adds a mark behind the last one.
    func add(plain: Int64, packed: Int64) {
        marks.withLock { $0.append(MapPoint(plain: plain, packed: packed)) }
    }

    /// Returns the compressed bytes of a range of the tar; 0 if the tar was not decompressed with this map.
    public func packedBytes(from start: Int64, to end: Int64) -> Double {
        marks.withLock { marks in max(0, Self.place(end, marks) - Self.place(start, marks)) }
    }

    /// Returns the place in the blob of an offset in the tar.
    private static func place(_ offset: Int64, _ marks: [MapPoint]) -> Double {
        // The first mark at or behind the offset.
        var (low, high) = (0, marks.count)
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].plain < offset { low = middle + 1 } else { high = middle }
        }
        guard low < marks.count else { return Double(marks[marks.count - 1].packed) }
        guard low > 0 else { return 0 }
        let (before, after) = (marks[low - 1], marks[low])
        let part = Double(offset - before.plain) / Double(max(1, after.plain - before.plain))
        return Double(before.packed) + part * Double(after.packed - before.packed)
    }
}

/// A source that decompresses another, and knows how many of its bytes it has used.
protocol DecompressingSource: ByteSource {
    /// The compressed bytes that were used up to the end of the last chunk.
    var packedCount: Int64 { get }
}

/// A source that records the places of its bytes in a map.
final class RecordingSource: ByteSource {
    private let source: any ByteSource
    private let map: CompressionMap
    private var plainCount: Int64 = 0

    init(_ source: any ByteSource, to map: CompressionMap) {
        self.source = source
        self.map = map
    }

    func next() throws -> [UInt8] {
        let chunk = try source.next()
        plainCount += Int64(chunk.count)
        map.add(plain: plainCount, packed: (source as? any DecompressingSource)?.packedCount ?? plainCount)
        return chunk
    }
}
