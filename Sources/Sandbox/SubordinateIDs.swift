// The IDs of a user in /etc/subuid and /etc/subgid, as arguments of newuidmap.

/// The ranges of one user in a file with a line `name:first:count` for each; see subuid(5).
struct SubordinateIDs: Equatable {
    /// The ranges of IDs, in the order of the file.
    let ranges: [Range<UInt64>]

    /// More ranges than any machine has, and fewer than the 340 lines that the kernel allows in a map.
    private static let limit = 100

    /// Parses the ranges of a user known under `names`, without `own` and overlaps, which the kernel would refuse.
    init(_ file: [UInt8], names: [String], without own: UInt32) {
        var ranges: [Range<UInt64>] = []
        for line in file.split(separator: 0x0a) {
            let fields = String(decoding: line, as: UTF8.self).split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, names.contains(String(fields[0])), let first = UInt32(fields[1]),
                let count = UInt32(fields[2]), count > 0, ranges.count < Self.limit
            else { continue }
            let range = UInt64(first)..<UInt64(first) + UInt64(count)
            let isFree = !range.contains(UInt64(own)) && !ranges.contains { $0.overlaps(range) }
            if isFree, range.upperBound <= UInt64(UInt32.max) { ranges.append(range) }
        }
        self.ranges = ranges
    }

    /// Returns the arguments after the PID: the user becomes root inside, and its further IDs follow from 1.
    func words(own: UInt32) -> [String] {
        var words = ["0", "\(own)", "1"]
        var inside: UInt64 = 1
        for range in ranges where inside + UInt64(range.count) < UInt64(UInt32.max) {
            words += ["\(inside)", "\(range.lowerBound)", "\(range.count)"]
            inside += UInt64(range.count)
        }
        return words
    }
}
