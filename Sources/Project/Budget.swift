public import Linux

extension ProjectFile {
    /// The section `[budget]`: limits of an image; nil is no limit.
    public struct Budget: Sendable, Equatable {
        /// The compressed size of all layers, as stored and transferred.
        public var size: ByteCount?
        /// The size of all files in all layers.
        public var unpacked: ByteCount?
        /// The number of layers.
        public var layers: Int?
        /// The size of files in layers that no container sees.
        public var waste: ByteCount?
        /// The median time to the first request.
        public var start: Duration?
        /// The instructions of the program until the first byte of the response.
        public var startWork: Int?
        /// The compressed size of the largest layer.
        public var largestLayer: ByteCount?
        /// The growth of the compressed size against a baseline.
        public var growth: Growth?
        /// The wasted part of the files' bytes, from 0 to 1.
        public var wasteRatio: Double?
        /// The size of files that programs don't need.
        public var leftovers: ByteCount?
        /// The size of further copies of the same content.
        public var duplicates: ByteCount?
        /// The number of possible secrets.
        public var secrets: Int?
        /// The number of files with a setuid or setgid bit.
        public var setuid: Int?
        /// The number of known vulnerabilities by severity, in the order of severities; a severity without one has no limit.
        public var vulnerabilities: [VulnerabilityLimit] = []
        /// True if the program must not run as root.
        public var forbidsRoot = false
        /// True if the image must have a HEALTHCHECK.
        public var needsHealthcheck = false
        /// The names of packages that the image must not have; `*` stands for any characters.
        public var forbiddenPackages: [String] = []

        /// Makes budgets of these limits.
        public init(
            size: ByteCount? = nil, unpacked: ByteCount? = nil, layers: Int? = nil, waste: ByteCount? = nil,
            start: Duration? = nil
        ) {
            self.size = size
            self.unpacked = unpacked
            self.layers = layers
            self.waste = waste
            self.start = start
        }

        /// True if no budget is set.
        public var isEmpty: Bool { self == Budget() }
    }

    /// A limit of the known vulnerabilities with a severity.
    public struct VulnerabilityLimit: Sendable, Equatable {
        /// The severity in one word: critical, high, medium, low or unknown.
        public let severity: String
        /// The largest number that holds.
        public let count: Int

        /// Makes a limit.
        public init(severity: String, count: Int) { (self.severity, self.count) = (severity, count) }

        /// The severities, most severe first.
        public static let severities = ["critical", "high", "medium", "low", "unknown"]
    }

    /// A limit of growth.
    public enum Growth: Sendable, Equatable {
        case bytes(ByteCount)
        /// A part of the baseline: 0.02 for 2 %.
        case part(Double)
    }

    /// An entry `[[waive]]`: a rule that may be broken until a date.
    public struct Waiver: Sendable, Equatable {
        /// The key in `[budget]`.
        public let rule: String
        public let reason: String
        /// The last day, as `2027-01-31`.
        public let until: String

        /// Makes a waiver of these values.
        public init(rule: String, reason: String, until: String) {
            (self.rule, self.reason, self.until) = (rule, reason, until)
        }
    }
}

// MARK: - The section as it is written

/// A size, a percentage or a date, written as text or as a number.
struct Amount: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self.text = text
        } else if let number = try? container.decode(Int64.self) {
            text = "\(number)"
        } else {
            text = "\(try container.decode(Double.self))"
        }
    }

    /// The number of a percentage, as a part: `2%` is 0.02.
    var part: Double? {
        guard text.hasSuffix("%") else { return nil }
        let digits = text.dropLast().filter { $0 != " " && $0 != "+" }
        return Double(digits).flatMap { $0.isFinite && $0 >= 0 ? $0 / 100 : nil }
    }
}

/// The section `[budget]`.
struct BudgetSection: Decodable {
    var size: Amount?
    var unpacked: Amount?
    var layers: Int?
    var largestLayer: Amount?
    var growth: Amount?
    var waste: Amount?
    var wasteRatio: Amount?
    var leftovers: Amount?
    var duplicates: Amount?
    var secrets: Int?
    var setuid: Int?
    var vulnerabilities: [String: Int]?
    var root: Bool?
    var healthcheck: Bool?
    var forbiddenPackages: [String]?
    var start: String?
    var startWork: Int?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case size, unpacked, layers
        case largestLayer = "largest-layer"
        case growth, waste
        case wasteRatio = "waste-ratio"
        case leftovers, duplicates, secrets, setuid, vulnerabilities, root, healthcheck
        case forbiddenPackages = "forbidden-packages"
        case start
        case startWork = "start-work"
    }
}

/// An entry `[[waive]]`.
struct WaiverSection: Decodable {
    var rule: String
    var reason: String
    var until: String

    enum CodingKeys: String, CodingKey, CaseIterable { case rule, reason, until }
}

extension ProjectFile.Budget {
    /// The keys of the section, in the order of verdicts.
    public static var keys: [String] { BudgetSection.CodingKeys.allCases.map(\.rawValue) }

    init(_ section: BudgetSection?, file: String) throws(ProjectError) {
        self.init()
        guard let section else { return }
        let reader = BudgetReader(file: file)
        size = try reader.bytes(section.size, .size)
        unpacked = try reader.bytes(section.unpacked, .unpacked)
        layers = try reader.count(section.layers, .layers, least: 1)
        largestLayer = try reader.bytes(section.largestLayer, .largestLayer)
        growth = try reader.growth(section.growth)
        waste = try reader.bytes(section.waste, .waste)
        wasteRatio = try reader.ratio(section.wasteRatio)
        leftovers = try reader.bytes(section.leftovers, .leftovers)
        duplicates = try reader.bytes(section.duplicates, .duplicates)
        secrets = try reader.count(section.secrets, .secrets, least: 0)
        setuid = try reader.count(section.setuid, .setuid, least: 0)
        vulnerabilities = try reader.vulnerabilities(section.vulnerabilities ?? [:])
        forbidsRoot = section.root == false
        needsHealthcheck = section.healthcheck ?? false
        forbiddenPackages = section.forbiddenPackages ?? []
        startWork = try reader.count(section.startWork, .startWork, least: 1)
    }
}

extension ProjectFile {
    /// The budgets without those that a waiver lifts on a day, as `2026-11-30`.
    public func budget(on today: String) -> Budget {
        var budget = budget
        for waiver in waivers where waiver.until >= today {
            if let key = BudgetSection.CodingKeys(rawValue: waiver.rule) { budget.remove(key) }
        }
        return budget
    }
}

extension ProjectFile.Budget {
    fileprivate mutating func remove(_ key: BudgetSection.CodingKeys) {
        switch key {
        case .size: size = nil
        case .unpacked: unpacked = nil
        case .layers: layers = nil
        case .largestLayer: largestLayer = nil
        case .growth: growth = nil
        case .waste: waste = nil
        case .wasteRatio: wasteRatio = nil
        case .leftovers: leftovers = nil
        case .duplicates: duplicates = nil
        case .secrets: secrets = nil
        case .setuid: setuid = nil
        case .vulnerabilities: vulnerabilities = []
        case .root: forbidsRoot = false
        case .healthcheck: needsHealthcheck = false
        case .forbiddenPackages: forbiddenPackages = []
        case .start: start = nil
        case .startWork: startWork = nil
        }
    }
}

/// The conversion of budgets to values.
private struct BudgetReader {
    let file: String

    func bytes(_ amount: Amount?, _ key: BudgetSection.CodingKeys) throws(ProjectError) -> ByteCount? {
        guard let amount else { return nil }
        guard let value = ByteCount(amount.text) else {
            throw wrong(key, "'\(amount.text)' is not a size such as 60MB, 256MiB or 60000000")
        }
        return value
    }

    func count(
        _ number: Int?, _ key: BudgetSection.CodingKeys, least: Int
    ) throws(ProjectError) -> Int? {
        guard let number, number < least else { return number }
        throw wrong(key, "\(number) is not a \(least == 0 ? "number of 0 or more" : "positive number")")
    }

    func vulnerabilities(
        _ limits: [String: Int]
    ) throws(ProjectError) -> [ProjectFile.VulnerabilityLimit] {
        let severities = ProjectFile.VulnerabilityLimit.severities
        if let other = limits.keys.sorted().first(where: { !severities.contains($0) }) {
            let known = severities.joined(separator: ", ")
            throw wrong(.vulnerabilities, "'\(other)' is not a severity; the severities are \(known)")
        }
        var all: [ProjectFile.VulnerabilityLimit] = []
        for severity in severities {
            guard let count = try count(limits[severity], .vulnerabilities, least: 0) else { continue }
            all.append(.init(severity: severity, count: count))
        }
        return all
    }

    func growth(_ amount: Amount?) throws(ProjectError) -> ProjectFile.Growth? {
        guard let amount else { return nil }
        if let part = amount.part { return .part(part) }
        guard let bytes = ByteCount(String(amount.text.drop { $0 == "+" })) else {
            throw wrong(.growth, "'\(amount.text)' is neither a percentage such as 2% nor a size such as 1MB")
        }
        return .bytes(bytes)
    }

    func ratio(_ amount: Amount?) throws(ProjectError) -> Double? {
        guard let amount else { return nil }
        guard let value = amount.part ?? Double(amount.text), (0...1).contains(value) else {
            throw wrong(.wasteRatio, "'\(amount.text)' is neither a percentage such as 2% nor a part such as 0.02")
        }
        return value
    }

    private func wrong(_ key: BudgetSection.CodingKeys, _ reason: String) -> ProjectError {
        .wrongValue(file, key: "budget.\(key.rawValue)", reason: reason)
    }
}

extension ProjectFile.Waiver {
    static func all(_ sections: [WaiverSection], file: String) throws(ProjectError) -> [ProjectFile.Waiver] {
        var waivers: [ProjectFile.Waiver] = []
        for section in sections {
            guard ProjectFile.Budget.keys.contains(section.rule) else {
                throw .wrongValue(
                    file, key: "waive.rule",
                    reason: "there is no rule '\(section.rule)'; a rule has the name of its budget, such as size")
            }
            guard !section.reason.isEmpty else { throw .wrongValue(file, key: "waive.reason", reason: "it is empty") }
            guard isDate(section.until) else {
                throw .wrongValue(
                    file, key: "waive.until", reason: "'\(section.until)' is not a date such as \"2027-01-31\"")
            }
            waivers.append(.init(rule: section.rule, reason: section.reason, until: section.until))
        }
        return waivers
    }

    private static func isDate(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2], let month = Int(parts[1]), let day = Int(parts[2]) else { return false }
        return Int(parts[0]) != nil && (1...12).contains(month) && (1...31).contains(day)
    }
}
