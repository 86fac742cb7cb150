internal import ImageFiles

/// The rules that recognise secrets: tokens by their form, and values by the names beside them.
struct SecretRules: Sendable {
    /// A match: the rule, and the place of the secret itself.
    struct SecretMatch: Equatable {
        let rule: String
        let range: Range<Int>
    }

    struct SecretRule: Sendable {
        let id: String
        let pattern: SecretPattern
    }

    /// A rule for values beside a name that contains `key`.
    struct NamedRule: Sendable {
        let id: String
        let key: String
        let pattern: SecretPattern
    }

    /// The built-in rules.
    static let standard = SecretRules(adding: [])

    private let tokens: [SecretRule]
    /// The numbers of the tokens that may begin with two bytes, so that a pass over a file tries only those.
    private let starts: [UInt16: [Int]]
    private let isStart: [Bool]
    private let named: [NamedRule]

    private static let armour = Array("-----BEGIN ".utf8)

    /// Makes the built-in rules and further ones.
    init(adding own: [SecretRule]) {
        let tokens = Self.builtIn + own
        self.tokens = tokens
        named = Self.builtInNamed
        starts = Dictionary(grouping: tokens.indices) { Self.pair(tokens[$0].pattern.start[...]) }
        var isStart = [Bool](repeating: false, count: 1 << 16)
        for pair in starts.keys { isStart[Int(pair)] = true }
        isStart[Int(Self.pair(Self.armour[...]))] = true
        self.isStart = isStart
    }

    private static func pair(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        UInt16(bytes[bytes.startIndex]) << 8 | UInt16(bytes[bytes.startIndex + 1])
    }

    /// The built-in tokens; a mistake in a line is one of the program.
    private static let builtIn: [SecretRule] = rows(of: SecretRuleData.tokens).map { row in
        SecretRule(id: row[0], pattern: pattern(row[1], literals: 2))
    }
    private static let builtInNamed: [NamedRule] = rows(of: SecretRuleData.named).map { row in
        NamedRule(id: row[0], key: row[1], pattern: pattern(row[2], literals: 0))
    }

    private static func pattern(_ text: String, literals: Int) -> SecretPattern {
        guard let pattern = try? SecretPattern(text, literals: literals) else {
            preconditionFailure("the built-in rule '\(text)' is wrong")
        }
        return pattern
    }

    /// Returns the words of each line of a table.
    static func rows(of table: String) -> [[String]] {
        table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    }

    /// The names of all rules, without repetitions.
    var ids: Set<String> { Set(tokens.map(\.id) + named.map(\.id)) }
}

// MARK: - Tokens and keys

extension SecretRules {
    /// Returns the tokens and private keys in `bytes`.
    func tokens(in bytes: [UInt8]) -> [SecretMatch] {
        guard bytes.count > 1 else { return [] }
        var matches: [SecretMatch] = []
        var index = 0
        while index < bytes.count - 1 {
            defer { index += 1 }
            let pair = UInt16(bytes[index]) << 8 | UInt16(bytes[index + 1])
            guard isStart[Int(pair)], index == 0 || !Self.isWord(bytes[index - 1]) else { continue }
            guard let match = match(in: bytes[...], from: index, pair) else { continue }
            matches.append(match)
            index = match.range.upperBound - 1
        }
        return matches
    }

    private static func isWord(_ byte: UInt8) -> Bool { byte != UInt8(ascii: "_") && ByteSet.word.contains(byte) }

    private func match(in bytes: ArraySlice<UInt8>, from index: Int, _ pair: UInt16) -> SecretMatch? {
        if bytes[index] == Self.armour[0], let end = Self.endOfPrivateKey(bytes[index...]) {
            return SecretMatch(rule: "private-key", range: index..<end)
        }
        for number in starts[pair] ?? [] {
            let pattern = tokens[number].pattern
            guard let end = pattern.end(in: bytes, from: index) else { continue }
            let body = bytes[(index + pattern.start.count)..<end]
            if Self.isRandom(body, hasDigits: pattern.allowsDigits) {
                return SecretMatch(rule: tokens[number].id, range: index..<end)
            }
        }
        return nil
    }

    /// Returns the end of `-----BEGIN … PRIVATE KEY-----` with key material after it.
    ///
    /// The text of programs has only the armour.
    private static func endOfPrivateKey(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.starts(with: armour) else { return nil }
        let label = bytes.dropFirst(armour.count).prefix(60).prefix { $0 != UInt8(ascii: "-") }
        guard label.text.contains("PRIVATE KEY") else { return nil }
        let rest = bytes[label.endIndex...].drop { $0 == UInt8(ascii: "-") }
        // In JSON and in variables the line end is written as \n.
        let lines = rest.prefix(400).text.split { $0.isNewline || $0 == "\\" || $0 == " " }.map {
            $0.drop { $0 == "n" }
        }
        guard lines.contains(where: { $0.utf8.count >= 40 && $0.utf8.allSatisfy(base64.contains) }) else { return nil }
        let material = rest.prefix(16 << 10).prefix { $0 != UInt8(ascii: "-") }
        return material.endIndex
    }

    private static let base64 = ByteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=".utf8)

    /// True if a value looks random: samples repeat a letter, or say that they are samples.
    private static func isRandom(_ body: ArraySlice<UInt8>, hasDigits: Bool) -> Bool {
        guard Set(body).count >= min(8, body.count / 2) else { return false }
        if hasDigits, body.count >= 20, !body.contains(where: ByteSet.digits.contains) { return false }
        return !SecretValue.isSample(body.text)
    }
}

// MARK: - Values beside names

extension SecretRules {
    /// Returns the rule that an assignment breaks by the name and the form of its value.
    func rule(for assignment: Assignment) -> String? {
        let name = assignment.normalizedName
        let value = assignment.value
        guard !SecretValue.isPlaceholder(value.text) else { return nil }
        return named.first { name.contains($0.key) && $0.pattern.matches(value) }?.id
    }

    /// True if a name is that of a secret.
    static func isSecretName(_ name: String) -> Bool {
        if SecretRuleData.names.contains(where: name.hasSuffix) { return true }
        return name == "pass" || name == "pwd"
    }
}
