/// What a guest has asked of a disk.
struct BlockStatistics: Sendable, Equatable {
    /// More ranges than this are counted but not listed.
    static let rangeLimit = 1 << 16

    /// Requests that were answered well.
    private(set) var requests = 0
    private(set) var bytesRead = 0
    private(set) var bytesWritten = 0
    var flushes = 0
    /// The bytes that were read, in the order of reading, a range as long as reading went on where it had ended.
    private(set) var ranges: [Range<Int>] = []

    mutating func read(_ offset: Int, _ count: Int) {
        requests += 1
        bytesRead += count
        guard count > 0 else { return }
        if let last = ranges.last, last.upperBound == offset {
            ranges[ranges.count - 1] = last.lowerBound..<offset + count
        } else if ranges.count < BlockStatistics.rangeLimit {
            ranges.append(offset..<offset + count)
        }
    }

    mutating func wrote(_ count: Int) {
        requests += 1
        bytesWritten += count
    }
}
