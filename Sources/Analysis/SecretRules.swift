internal import ImageFiles
internal import Linux
internal import OCI

/// The patterns of secrets.
///
/// Tokens are recognised by the prefixes that their issuers gave them for that purpose, and keys by their armour.
/// Credentials are recognised by the files that tools keep them in. Sample values from documentation are ignored.
enum SecretRules {
    /// A match: the rule, and its offset in the bytes.
    struct Match {
        let rule: String
        let offset: Int
    }

    /// The characters that may follow a prefix.
    private enum Alphabet {
        case upper, alphanumeric, hex, base64, url, dotted

        func contains(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "a")...UInt8(ascii: "f"): self != .upper
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): self != .hex
            case UInt8(ascii: "g")...UInt8(ascii: "z"): self != .upper && self != .hex
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): self == .base64
            case UInt8(ascii: "-"), UInt8(ascii: "_"): self == .url || self == .dotted
            case UInt8(ascii: "."): self == .dotted
            default: false
            }
        }
    }

    private struct Token {
        let rule: String
        let prefix: [UInt8]
        let alphabet: Alphabet
        let length: ClosedRange<Int>

        init(_ rule: String, _ prefix: String, _ alphabet: Alphabet, _ length: ClosedRange<Int>) {
            (self.rule, self.prefix, self.alphabet, self.length) = (rule, Array(prefix.utf8), alphabet, length)
        }
    }

    private static let tokens: [Token] = [
        Token("aws-access-key", "AKIA", .upper, 16...16),
        Token("aws-access-key", "ASIA", .upper, 16...16),
        Token("github-token", "ghp_", .alphanumeric, 36...251),
        Token("github-token", "gho_", .alphanumeric, 36...251),
        Token("github-token", "ghu_", .alphanumeric, 36...251),
        Token("github-token", "ghs_", .alphanumeric, 36...251),
        Token("github-token", "ghr_", .alphanumeric, 36...251),
        Token("github-token", "github_pat_", .url, 60...251),
        Token("gitlab-token", "glpat-", .url, 20...100),
        Token("slack-token", "xoxb-", .url, 24...120),
        Token("slack-token", "xoxp-", .url, 24...120),
        Token("slack-token", "xoxa-", .url, 24...120),
        Token("slack-token", "xoxr-", .url, 24...120),
        Token("google-api-key", "AIza", .url, 35...35),
        Token("stripe-key", "sk_live_", .alphanumeric, 24...247),
        Token("stripe-key", "rk_live_", .alphanumeric, 24...247),
        Token("npm-token", "npm_", .alphanumeric, 36...36),
        Token("pypi-token", "pypi-AgEIcHlwaS5vcmc", .url, 50...1000),
        Token("sendgrid-key", "SG.", .dotted, 66...66),
        Token("anthropic-key", "sk-ant-", .url, 80...120),
        Token("openai-key", "sk-proj-", .url, 40...250),
        Token("huggingface-token", "hf_", .alphanumeric, 34...34),
        Token("docker-token", "dckr_pat_", .url, 27...27),
        Token("digitalocean-token", "dop_v1_", .hex, 64...64),
        Token("vault-token", "hvs.", .dotted, 90...120),
    ]

    private static let settings: [Token] = [
        Token("aws-secret-key", "aws_secret_access_key", .base64, 40...40),
        Token("aws-secret-key", "AWS_SECRET_ACCESS_KEY", .base64, 40...40),
        Token("azure-storage-key", "AccountKey", .base64, 86...88),
    ]

    private static let armour = Array("-----BEGIN ".utf8)

    /// The tokens that may start with a byte, so that a pass over a file checks only those.
    private static let starts: [[Token]] = {
        var table = [[Token]](repeating: [], count: 256)
        for token in tokens + settings { table[Int(token.prefix[0])].append(token) }
        return table
    }()
    private static let isStart: [Bool] = starts.indices.map { !starts[$0].isEmpty || $0 == Int(armour[0]) }
    private static let settingRules = Set(settings.map(\.rule))
}

// MARK: - In any text

extension SecretRules {
    /// Returns the tokens and keys in `bytes`.
    static func matches(in bytes: [UInt8]) -> [Match] {
        var matches: [Match] = []
        let isStart = isStart
        var before: UInt8 = 0
        for (offset, byte) in bytes.enumerated() {
            if isStart[Int(byte)], !Alphabet.alphanumeric.contains(before), let rule = rule(in: bytes[offset...]) {
                matches.append(Match(rule: rule, offset: offset))
            }
            before = byte
        }
        return matches
    }

    private static func rule(in bytes: ArraySlice<UInt8>) -> String? {
        guard let first = bytes.first else { return nil }
        if first == armour[0] { return isPrivateKey(bytes) ? "private-key" : nil }
        for token in starts[Int(first)] where bytes.starts(with: token.prefix) {
            var value = bytes.dropFirst(token.prefix.count)
            if settingRules.contains(token.rule) {
                value = value.drop { [UInt8]("\"' \t:=".utf8).contains($0) }
            }
            let body = value.prefix(token.length.upperBound + 1).prefix { token.alphabet.contains($0) }
            if token.length.contains(body.count), isRandom(body) { return token.rule }
        }
        return nil
    }

    /// True for `-----BEGIN … PRIVATE KEY-----` with key material after it.
    ///
    /// The text of programs has only the armour.
    private static func isPrivateKey(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard bytes.starts(with: armour) else { return false }
        let label = bytes.dropFirst(armour.count).prefix(60).prefix { $0 != UInt8(ascii: "-") }
        guard label.text.contains("PRIVATE KEY") else { return false }
        let rest = bytes[label.endIndex...].drop { $0 == UInt8(ascii: "-") }.prefix(400)
        // In JSON and in variables the line end is written as \n.
        let lines = rest.text.split { $0.isNewline || $0 == "\\" }.map { $0.drop { $0 == "n" } }
        return lines.contains { line in line.utf8.count >= 40 && line.utf8.allSatisfy(Alphabet.base64.contains) }
    }

    /// True if a value looks random: samples repeat a letter or contain the word EXAMPLE.
    private static func isRandom(_ body: ArraySlice<UInt8>) -> Bool {
        Set(body).count >= 8 && !body.text.uppercased().contains("EXAMPLE")
    }

    /// True if a word is `NAME=value` with the name of a secret and a value that may be one.
    static func isSecretAssignment(_ word: Substring) -> Bool {
        let parts = word.split(separator: "=", maxSplits: 1)
        guard parts.count == 2 else { return false }
        let name = parts[0].uppercased().split { !($0.isLetter || $0.isNumber || $0 == "_") }.last ?? ""
        let value = parts[1].drop { $0 == "\"" || $0 == "'" }
        guard let first = value.first, !"$/<{(".contains(first), value.count >= 4 else { return false }
        return secretNames.contains { name == $0 || name.hasSuffix("_\($0)") }
    }

    private static let secretNames = [
        "PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "ACCESS_KEY", "SECRET_KEY", "PRIVATE_KEY",
        "CREDENTIALS",
    ]

    /// True if `bytes` contain `https://USER:PASSWORD@HOST`.
    static func hasCredentials(url bytes: ArraySlice<UInt8>) -> Bool {
        var rest = bytes
        while let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
            rest = rest[(colon + 1)...]
            guard rest.starts(with: "//".utf8) else { continue }
            let authority = rest.dropFirst(2).prefix(512).prefix { $0 > 32 && !"/'\"<>?#`".utf8.contains($0) }
            guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { continue }
            let parts = authority[..<at].split(separator: UInt8(ascii: ":"), maxSplits: 1)
            if parts.count == 2, let first = parts[1].first, !"${*".utf8.contains(first) { return true }
        }
        return false
    }
}

// MARK: - In files that are made for credentials

extension SecretRules {
    /// Returns the credentials in a file that tools keep them in.
    static func matches(in bytes: [UInt8], of path: ImagePath) -> [Match] {
        switch path.name.text {
        case ".npmrc": lines(bytes, "npmrc-credentials") { isSet($0, ["_authToken", "_auth", "_password"]) }
        case ".pypirc": lines(bytes, "pypirc-credentials") { isSet($0, ["password"]) }
        case ".netrc", "_netrc":
            lines(bytes, "netrc-credentials") { $0.text.split(separator: " ").contains("password") }
        case ".git-credentials", "pip.conf", ".gitconfig", "sources.list", "pip.ini":
            lines(bytes, "url-credentials") { hasCredentials(url: $0) }
        case "config" where path.parent.name.elementsEqual(".git".utf8):
            lines(bytes, "url-credentials") { hasCredentials(url: $0) }
        case "config.json" where path.parent.name.elementsEqual(".docker".utf8): registryLogins(bytes)
        case ".dockerconfigjson", ".dockercfg": registryLogins(bytes)
        default: []
        }
    }

    private static func lines(
        _ bytes: [UInt8], _ rule: String, where matches: (ArraySlice<UInt8>) -> Bool
    ) -> [Match] {
        ByteLines(bytes[...]).filter(matches).map { Match(rule: rule, offset: $0.startIndex) }
    }

    /// True for `KEY = value` if the last part of KEY is one of `keys` and the value refers to no variable.
    private static func isSet(_ line: ArraySlice<UInt8>, _ keys: [String]) -> Bool {
        guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else { return false }
        let key = line[..<equals].trimmed.split(separator: UInt8(ascii: ":")).last ?? []
        let value = line[(equals + 1)...].trimmed
        return keys.contains(key.text) && value.count >= 4 && value.first != UInt8(ascii: "$")
    }

    private static func registryLogins(_ bytes: [UInt8]) -> [Match] {
        // An invalid login file contains no login.
        guard let json = try? JSON(parsing: bytes, what: "a registry login file") else { return [] }
        let logins = json["auths"]?.object ?? json.object ?? [:]
        let hasLogin = logins.values.contains { login in
            ["auth", "identitytoken", "password"].contains { login[$0]?.string?.isEmpty == false }
        }
        return hasLogin ? [Match(rule: "registry-login", offset: 0)] : []
    }
}
