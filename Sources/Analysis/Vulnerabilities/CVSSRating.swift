internal import Linux

/// The severity of a vulnerability, as CVSS names it.
public enum CVSSRating: String, Sendable, CaseIterable, Comparable {
    case unknown, low, medium, high, critical

    public static func < (left: CVSSRating, right: CVSSRating) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// Returns the severity of a CVSS base score.
    init(score: Double) {
        self = score >= 9 ? .critical : score >= 7 ? .high : score >= 4 ? .medium : score > 0 ? .low : .unknown
    }
}

extension CVSSRating {
    /// Reads the word of a database, or computes the score of a CVSS vector of version 3.
    init?(_ json: JSON) {
        let words = [json["database_specific"]?["severity"], json["ecosystem_specific"]?["severity"]]
        for word in words.compactMap({ $0?.string?.lowercased() }) {
            if let known = Self(rawValue: word == "moderate" ? "medium" : word) {
                self = known
                return
            }
        }
        let scores = (json["severity"]?.array ?? []).compactMap { $0["score"]?.string }.compactMap(CVSS.score)
        guard let score = scores.max() else { return nil }
        self.init(score: score)
    }
}
