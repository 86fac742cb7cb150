// Files with holes: pages of zeros that use no disk space and need no reading.

internal import Glibc
internal import SystemPackage

extension OwnedDescriptor {
    // lseek(2), <unistd.h>: glibc defines them only with _GNU_SOURCE.
    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4

    /// Writes the pages of `bytes` that aren't all zeros, from `offset` on; adjacent pages in one call.
    ///
    /// The other pages must already be holes, or become holes with ``truncate(to:)``.
    public func writeSparsely(_ bytes: RawSpan, at offset: Int64) throws(SystemError) {
        for range in NonzeroPages.ranges(of: bytes) {
            try write(bytes.extracting(range), at: offset + Int64(range.lowerBound))
        }
    }

    /// Returns the parts of a range of the file that may hold data, in order.
    ///
    /// A file system without holes returns the whole range.
    public func dataRanges(in range: Range<UInt64>) throws(SystemError) -> [Range<UInt64>] {
        var ranges: [Range<UInt64>] = []
        var position = range.lowerBound
        while position < range.upperBound {
            guard let begin = try seek(position, Self.seekData), begin < range.upperBound else { break }
            let end = min(try seek(begin, Self.seekHole) ?? range.upperBound, range.upperBound)
            guard end > begin else { break }
            ranges.append(begin..<end)
            position = end
        }
        return ranges
    }

    /// Seeks to the next data or hole.
    ///
    /// - Returns: nil after the last data.
    private func seek(_ offset: UInt64, _ what: Int32) throws(SystemError) -> UInt64? {
        let found = lseek(rawValue, Int(offset), what)
        if found >= 0 { return UInt64(found) }
        guard errno == ENXIO else { throw SystemError("find data in", nil, Errno(rawValue: errno)) }
        return nil
    }
}

/// Pages of 4 KiB that are not all zeros.
public enum NonzeroPages {
    private static let page = 4096

    /// Returns the ranges of those pages, in order; adjacent pages are joined, and the last one may be shorter.
    public static func ranges(of bytes: RawSpan) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        for start in stride(from: 0, to: bytes.byteCount, by: page) {
            let end = min(start + page, bytes.byteCount)
            guard holds(bytes.extracting(start..<end)) else { continue }
            if let last = ranges.last, last.upperBound == start {
                ranges[ranges.count - 1] = last.lowerBound..<end
            } else {
                ranges.append(start..<end)
            }
        }
        return ranges
    }

    private static func holds(_ page: RawSpan) -> Bool {
        let words = page.byteCount / 8
        for word in 0..<words where unsafe page.unsafeLoadUnaligned(fromByteOffset: word * 8, as: UInt64.self) != 0 {
            return true
        }
        for byte in (words * 8)..<page.byteCount where unsafe page.unsafeLoad(fromByteOffset: byte, as: UInt8.self) != 0
        {
            return true
        }
        return false
    }
}
