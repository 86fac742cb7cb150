/// Finds the word somebody probably meant.
enum Suggestion {
    /// The candidate at the smallest edit distance, if it is near enough to be worth a question.
    static func nearest(to word: String, in candidates: [String]) -> String? {
        let letters = Array(word.asciiLowercased.utf8)
        guard !letters.isEmpty, letters.count <= 64 else { return nil }
        var best: (distance: Int, word: String)?
        for candidate in candidates where candidate.utf8.count <= 64 {
            let found = distance(letters, Array(candidate.asciiLowercased.utf8))
            if found > 0, found <= 3, found < max(letters.count, 2), found < best?.distance ?? .max {
                best = (found, candidate)
            }
        }
        return best?.word
    }

    /// " (did you mean X?)" or nothing, to end a message with.
    static func ending(for word: String, in candidates: [String]) -> String {
        nearest(to: word, in: candidates).map { " (did you mean \($0)?)" } ?? ""
    }

    /// The Levenshtein distance of two words.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (byte == other ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
