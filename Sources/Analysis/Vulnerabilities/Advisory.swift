internal import Linux

/// An advisory about vulnerable versions of packages, from an export of OSV (OSV schema 1).
struct Advisory: Sendable {
    let id: String
    let aliases: [String]
    let summary: String
    let severity: CVSSRating
    let affected: [Affected]

    /// The vulnerable versions of one package.
    struct Affected: Sendable {
        let ecosystem: String
        let name: String
        let ranges: [[Event]]
        let versions: Set<String>
        let severity: CVSSRating?
    }

    /// A version at which a package becomes or is no longer vulnerable.
    enum Event: Sendable, Equatable {
        case introduced(String)
        case fixed(String)
        case lastAffected(String)
    }

    /// Reads an advisory; nil for another document, and for one that was withdrawn.
    init?(_ json: JSON) {
        guard let id = json["id"]?.string, json["withdrawn"]?.string == nil else { return nil }
        self.id = id
        aliases = json["aliases"]?.strings ?? []
        summary = json["summary"]?.string ?? ""
        affected = (json["affected"]?.array ?? []).compactMap(Affected.init)
        severity = CVSSRating(json) ?? affected.compactMap(\.severity).max() ?? .unknown
    }
}

extension Advisory.Affected {
    fileprivate init?(_ json: JSON) {
        guard let ecosystem = json["package"]?["ecosystem"]?.string, let name = json["package"]?["name"]?.string else {
            return nil
        }
        (self.ecosystem, self.name) = (ecosystem, name)
        versions = Set(json["versions"]?.strings ?? [])
        severity = CVSSRating(json)
        ranges = (json["ranges"]?.array ?? []).filter { $0["type"]?.string != "GIT" }.map { range in
            (range["events"]?.array ?? []).compactMap { event in
                event["introduced"]?.string.map(Advisory.Event.introduced)
                    ?? event["fixed"]?.string.map(Advisory.Event.fixed)
                    ?? event["last_affected"]?.string.map(Advisory.Event.lastAffected)
            }
        }
    }

    /// Returns the relation of a version to these: nil if it is not affected, or the version that fixes it, if any.
    func fix(of version: String, _ order: VersionOrder) -> String?? {
        var isAffected = versions.contains(version)
        var fixed: String?
        for range in ranges {
            var isInside = false
            let sorted = range.sorted { order.compare($0.version, $1.version) == .less }
            for event in sorted {
                switch event {
                case .introduced(let start):
                    if start == "0" || order.compare(version, start) != .less { isInside = true }
                case .fixed(let end):
                    if order.compare(version, end) != .less {
                        isInside = false
                    } else if isInside, fixed == nil {
                        fixed = end
                    }
                case .lastAffected(let last): if order.compare(version, last) == .greater { isInside = false }
                }
            }
            if isInside { isAffected = true }
        }
        return isAffected ? .some(fixed) : nil
    }
}

extension Advisory.Event {
    fileprivate var version: String {
        switch self {
        case .introduced(let version), .fixed(let version), .lastAffected(let version): version
        }
    }
}

/// The Common Vulnerability Scoring System, version 3.1 (section 7.1, base metrics).
enum CVSS {
    /// Returns the base score of a vector such as `CVSS:3.1/AV:N/AC:L/…`; nil for another version.
    static func score(_ vector: String) -> Double? {
        guard vector.hasPrefix("CVSS:3") else { return nil }
        var metrics: [Substring: Substring] = [:]
        for part in vector.split(separator: "/").dropFirst() {
            let fields = part.split(separator: ":")
            if fields.count == 2 { metrics[fields[0]] = fields[1] }
        }
        let isChanged = metrics["S"] == "C"
        func value(_ metric: Substring, _ table: [Substring: Double]) -> Double? {
            metrics[metric].flatMap { table[$0] }
        }
        let privileges: [Substring: Double] =
            isChanged ? ["N": 0.85, "L": 0.68, "H": 0.5] : ["N": 0.85, "L": 0.62, "H": 0.27]
        let impacts: [Substring: Double] = ["H": 0.56, "L": 0.22, "N": 0]
        guard let vectorValue = value("AV", ["N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2]),
            let complexity = value("AC", ["L": 0.77, "H": 0.44]), let privilege = value("PR", privileges),
            let interaction = value("UI", ["N": 0.85, "R": 0.62]), let confidentiality = value("C", impacts),
            let integrity = value("I", impacts), let availability = value("A", impacts)
        else { return nil }
        let base = 1 - (1 - confidentiality) * (1 - integrity) * (1 - availability)
        let power = (0..<15).reduce(1.0) { product, _ in product * (base - 0.02) }
        let impact = isChanged ? 7.52 * (base - 0.029) - 3.25 * power : 6.42 * base
        guard impact > 0 else { return 0 }
        let exploitability = 8.22 * vectorValue * complexity * privilege * interaction
        let sum = isChanged ? 1.08 * (impact + exploitability) : impact + exploitability
        return roundedUp(min(sum, 10))
    }

    /// Rounds up to one digit, as the standard defines it (appendix A).
    private static func roundedUp(_ value: Double) -> Double {
        let number = Int((value * 100_000).rounded())
        return number % 10_000 == 0 ? Double(number) / 100_000 : Double(number / 10_000 + 1) / 10
    }
}
