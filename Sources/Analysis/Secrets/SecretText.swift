internal import ImageFiles
internal import OCI

/// The search for secrets in one text: the content of a file, or a setting of the configuration.
struct SecretText {
    let rules: SecretRules

    /// Returns the matches in the bytes of a file, each line once: a token's own rule is more specific than its file's.
    ///
    /// - Parameter isForeign: True for a file of third-party software, in which names say nothing.
    func matches(in bytes: [UInt8], of path: ImagePath, isForeign: Bool) -> [SecretRules.SecretMatch] {
        var found = rules.tokens(in: bytes) + CredentialFile.matches(in: bytes, of: path)
        if !isForeign { found += assignments(in: bytes, isSetting: Self.isSettings(path)) }
        return found
    }

    /// Returns the values that their names show to be secrets.
    ///
    /// In the source of a program only a quoted value is one, unless its form shows it.
    private func assignments(in bytes: [UInt8], isSetting: Bool) -> [SecretRules.SecretMatch] {
        var found = Assignment.all(in: bytes[...]).compactMap { assignment -> SecretRules.SecretMatch? in
            if let rule = rules.rule(for: assignment) {
                return SecretRules.SecretMatch(rule: rule, range: assignment.value.indices)
            }
            guard isSetting || assignment.isQuoted, SecretValue.isRandomKey(assignment.value), assignment.isSecret
            else { return nil }
            return SecretRules.SecretMatch(rule: Self.generic, range: assignment.value.indices)
        }
        if isSetting {
            found += URLCredentials.ranges(in: bytes[...]).filter { !Self.words.contains(bytes[$0].text.lowercased()) }
                .map { SecretRules.SecretMatch(rule: "url-credentials", range: $0) }
        }
        return found
    }

    /// The rule of a random value with the name of a secret.
    static let generic = "generic-secret"
    /// The rule of a setting with the name of a secret.
    static let variable = "secret-variable"
    /// Passwords of samples.
    private static let words: Set<String> = ["password", "pass", "passwd", "pwd", "pw", "secret", "mypassword"]
    private static let extensions: Set<String> = [
        "cfg", "cnf", "conf", "config", "env", "ini", "json", "properties", "tf", "toml", "xml", "yaml", "yml",
    ]

    private static func isSettings(_ path: ImagePath) -> Bool {
        let name = path.name
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
        return extensions.contains(name[(dot + 1)...].text.lowercased())
    }
}

// MARK: - Settings

extension SecretText {
    /// Returns the matches in a variable, a label or a command.
    func matches(inSetting text: String) -> [SecretRules.SecretMatch] {
        let bytes = Array(text.utf8)
        var found = rules.tokens(in: bytes)
        found += URLCredentials.ranges(in: bytes[...]).map {
            SecretRules.SecretMatch(rule: "url-credentials", range: $0)
        }
        for assignment in Assignment.all(in: bytes[...]) {
            if let rule = rules.rule(for: assignment) {
                found.append(SecretRules.SecretMatch(rule: rule, range: assignment.value.indices))
            } else if let range = Self.authorization(assignment, in: bytes) {
                found.append(SecretRules.SecretMatch(rule: "authorization-header", range: range))
            } else if assignment.isSecret {
                found.append(SecretRules.SecretMatch(rule: Self.variable, range: assignment.value.indices))
            }
        }
        return found + Self.options(in: bytes)
    }

    /// Returns the credential of `Authorization: Bearer CREDENTIAL`.
    private static func authorization(_ assignment: Assignment, in bytes: [UInt8]) -> Range<Int>? {
        guard assignment.normalizedName.hasSuffix("authorization") else { return nil }
        let words = bytes[assignment.value.startIndex...].prefix(4096).split(maxSplits: 2) {
            $0 <= 32 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'")
        }
        guard words.count >= 2, ["bearer", "basic", "token"].contains(words[0].text.lowercased()),
            words[1].count >= 4, !SecretValue.isPlaceholder(words[1].text)
        else { return nil }
        return words[1].indices
    }

    /// Returns the words after options such as `--password`.
    private static func options(in bytes: [UInt8]) -> [SecretRules.SecretMatch] {
        var isSecret = false
        // In a list of words, as CMD has it, quotes and commas are between them.
        let words = bytes.split { $0 <= 32 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") }
        return words.filter { !$0.elementsEqual(",".utf8) }.compactMap { word -> SecretRules.SecretMatch? in
            defer { isSecret = word.hasPrefix("--") && SecretRules.isSecretName(name(word)) }
            guard isSecret, word.count >= 4, !word.hasPrefix("-"), !SecretValue.isPlaceholder(word.text) else {
                return nil
            }
            return SecretRules.SecretMatch(rule: variable, range: word.indices)
        }
    }

    private static func name(_ option: ArraySlice<UInt8>) -> String {
        option.text.lowercased().filter { $0 != "_" && $0 != "-" && $0 != "." }
    }

    /// Returns `text` with `***` in the place of each secret.
    static func redacted(_ text: String) -> String {
        let ranges = SecretText(rules: .standard).matches(inSetting: text).map(\.range)
        guard !ranges.isEmpty else { return text }
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var end = 0
        for range in ranges.sorted(by: { ($0.lowerBound, $1.upperBound) < ($1.lowerBound, $0.upperBound) })
        where range.upperBound > end {
            if range.lowerBound >= end { result += bytes[end..<range.lowerBound] + "***".utf8 }
            end = range.upperBound
        }
        return (result + bytes[end...]).text
    }
}
