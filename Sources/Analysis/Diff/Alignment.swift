/// The alignment of two lists.
enum Alignment {
    /// The most comparisons; longer lists are aligned at their equal ends only.
    private static let limit = 4_000_000

    /// Returns a longest common subsequence as pairs of positions, both ascending.
    static func common(_ left: Int, _ right: Int, isSame: (Int, Int) -> Bool) -> [(left: Int, right: Int)] {
        var start = 0
        while start < min(left, right), isSame(start, start) { start += 1 }
        var end = 0
        while end < min(left, right) - start, isSame(left - 1 - end, right - 1 - end) { end += 1 }
        let middle = longest(left - start - end, right - start - end) { isSame($0 + start, $1 + start) }
        return (0..<start).map { ($0, $0) } + middle.map { ($0.left + start, $0.right + start) }
            + (0..<end).reversed().map { (left - 1 - $0, right - 1 - $0) }
    }

    private static func longest(
        _ left: Int, _ right: Int, isSame: (Int, Int) -> Bool
    ) -> [(left: Int, right: Int)] {
        guard left > 0, right > 0, left <= limit / right else { return [] }
        let width = right + 1
        var lengths = [Int32](repeating: 0, count: (left + 1) * width)
        for i in (0..<left).reversed() {
            for j in (0..<right).reversed() {
                lengths[i * width + j] =
                    isSame(i, j)
                    ? lengths[(i + 1) * width + j + 1] + 1
                    : max(lengths[(i + 1) * width + j], lengths[i * width + j + 1])
            }
        }
        var (pairs, i, j) = ([(left: Int, right: Int)](), 0, 0)
        while i < left, j < right {
            if isSame(i, j) {
                pairs.append((i, j))
                (i, j) = (i + 1, j + 1)
            } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
                i += 1
            } else {
                j += 1
            }
        }
        return pairs
    }

    /// Returns all positions of both lists in order, aligned where `pairs` has them together.
    static func merged(
        _ pairs: [(left: Int, right: Int)], left: Int, right: Int
    ) -> [(left: Int?, right: Int?)] {
        var rows: [(left: Int?, right: Int?)] = []
        var (i, j) = (0, 0)
        for pair in pairs + [(left, right)] {
            while i < pair.left {
                rows.append((i, nil))
                i += 1
            }
            while j < pair.right {
                rows.append((nil, j))
                j += 1
            }
            guard i < left, j < right else { break }
            rows.append((i, j))
            (i, j) = (i + 1, j + 1)
        }
        return rows
    }
}
