/// The suggestion of a known word for a misspelt one.
public enum Suggestion {
    /// Returns the candidate at the smallest edit distance, or nil if none is near.
    static func nearest(to word: String, in candidates: [String]) -> String? {
        let letters = Array(word.asciiLowercased.utf8)
        guard !letters.isEmpty, letters.count <= 64 else { return nil }
        let farthest = letters.count <= 3 ? 1 : letters.count <= 7 ? 2 : 3
        var best: (distance: Int, word: String)?
        for candidate in candidates where candidate.utf8.count <= 64 {
            let other = Array(candidate.asciiLowercased.utf8)
            let found = distance(letters, other)
            // Half of a short word's letters may differ only behind the first one.
            if letters.count == 4, found == 2, letters.first != other.first { continue }
            if found > 0, found <= farthest, found < best?.distance ?? .max {
                best = (found, candidate)
            }
        }
        return best?.word
    }

    /// Returns the end of a message: " (did you mean X?)", or nothing.
    public static func ending(for word: String, in candidates: [String]) -> String {
        nearest(to: word, in: candidates).map { " (did you mean \($0)?)" } ?? ""
    }

    /// Returns the number of letters to insert, delete, replace or swap with their neighbour.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var older: [Int] = []
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var next = [i + 1]
            for (j, other) in right.enumerated() {
                var best = min(row[j + 1] + 1, next[j] + 1, row[j] + (byte == other ? 0 : 1))
                if i > 0, j > 0, byte == right[j - 1], left[i - 1] == other { best = min(best, older[j - 1] + 1) }
                next.append(best)
            }
            (older, row) = (row, next)
        }
        return row[right.count]
    }
}
