internal import ImageFiles
internal import Linux
internal import OCI

/// A kind of file that a tool keeps credentials in.
struct CredentialFile {
    private let name: [Substring]
    private let directory: String
    private let rule: String
    private let keys: [String]

    private static let all: [CredentialFile] = SecretRules.rows(of: SecretRuleData.files).map { row in
        CredentialFile(
            name: row[0].split(separator: "*", omittingEmptySubsequences: false), directory: row[1], rule: row[2],
            keys: Array(row[3...]))
    }

    private func fits(_ text: String, _ path: ImagePath) -> Bool {
        let isNamed =
            name.count == 1
            ? text == name[0]
            : text.hasPrefix(name[0]) && text.hasSuffix(name[1]) && text.count > name[0].count + name[1].count
        return isNamed && (directory == "*" || path.parent.name.elementsEqual(directory.utf8))
    }

    /// Returns the credentials in a file that tools keep them in.
    static func matches(in bytes: [UInt8], of path: ImagePath) -> [SecretRules.SecretMatch] {
        let name = path.name.text
        if let kind = all.first(where: { $0.fits(name, path) }) { return kind.matches(in: bytes) }
        switch name {
        case ".netrc", "_netrc": return netrc(bytes)
        case ".git-credentials", "pip.conf", ".gitconfig", "sources.list", "pip.ini":
            return urls("url-credentials", bytes)
        case "config" where path.parent.name.elementsEqual(".git".utf8): return urls("url-credentials", bytes)
        case "config.json" where path.parent.name.elementsEqual(".docker".utf8): return registryLogins(bytes)
        case ".dockerconfigjson", ".dockercfg": return registryLogins(bytes)
        case ".pgpass": return lines(bytes, "pgpass-credentials") { $0.text.split(separator: ":").count == 5 }
        case "shadow" where path.parent.bytes.elementsEqual("etc".utf8):
            return lines(bytes, "password-hash") { $0.text.split(separator: ":").dropFirst().first?.first == "$" }
        case ".htpasswd": return lines(bytes, "password-hash") { $0.text.split(separator: ":").count == 2 }
        case ".vault-token": return lines(bytes, "vault-token") { $0.count >= 8 }
        default: return []
        }
    }

    private func matches(in bytes: [UInt8]) -> [SecretRules.SecretMatch] {
        let own = Assignment.all(in: bytes[...]).compactMap { assignment -> SecretRules.SecretMatch? in
            guard isSecret(assignment) else { return nil }
            return SecretRules.SecretMatch(rule: rule, range: assignment.value.indices)
        }
        return keys == ["*"] ? own + Self.urls("url-credentials", bytes) : own
    }

    private func isSecret(_ assignment: Assignment) -> Bool {
        if keys == ["*"] { return assignment.isSecret }
        return assignment.value.count >= 4 && assignment.isNamed(keys)
            && !SecretValue.isPlaceholder(assignment.value.text)
    }

    private static func lines(
        _ bytes: [UInt8], _ rule: String, where matches: (ArraySlice<UInt8>) -> Bool
    ) -> [SecretRules.SecretMatch] {
        ByteLines(bytes[...]).filter(matches).map { SecretRules.SecretMatch(rule: rule, range: $0.indices) }
    }

    /// Returns the words after `password`.
    private static func netrc(_ bytes: [UInt8]) -> [SecretRules.SecretMatch] {
        var isPassword = false
        return bytes.split(whereSeparator: { $0 <= 32 }).compactMap { word in
            defer { isPassword = word.elementsEqual("password".utf8) }
            return isPassword && !SecretValue.isPlaceholder(word.text)
                ? SecretRules.SecretMatch(rule: "netrc-credentials", range: word.indices) : nil
        }
    }

    private static func urls(_ rule: String, _ bytes: [UInt8]) -> [SecretRules.SecretMatch] {
        URLCredentials.ranges(in: bytes[...]).map { SecretRules.SecretMatch(rule: rule, range: $0) }
    }

    private static func registryLogins(_ bytes: [UInt8]) -> [SecretRules.SecretMatch] {
        // An invalid login file contains no login.
        guard let json = try? JSON(parsing: bytes, what: "a registry login file") else { return [] }
        let logins = json["auths"]?.object ?? json.object ?? [:]
        let hasLogin = logins.values.contains { login in
            ["auth", "identitytoken", "password"].contains { login[$0]?.string?.isEmpty == false }
        }
        return hasLogin ? [SecretRules.SecretMatch(rule: "registry-login", range: 0..<0)] : []
    }
}

/// Passwords in URLs: `https://USER:PASSWORD@HOST`.
enum URLCredentials {
    /// Returns the places of the passwords.
    static func ranges(in bytes: ArraySlice<UInt8>) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var rest = bytes
        while let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
            rest = rest[(colon + 1)...]
            guard rest.starts(with: "//".utf8) else { continue }
            let authority = rest.dropFirst(2).prefix(512).prefix { $0 > 32 && !excluded.contains($0) }
            guard let at = authority.lastIndex(of: UInt8(ascii: "@")),
                let end = authority[..<at].firstIndex(of: UInt8(ascii: ":"))
            else { continue }
            let password = authority[(end + 1)..<at]
            if !password.isEmpty, !SecretValue.isPlaceholder(password.text) { found.append(password.indices) }
        }
        return found
    }

    private static let excluded = ByteSet("/'\"<>?#`".utf8)
}
