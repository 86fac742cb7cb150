internal import ImageFiles
internal import Linux
internal import OCI

/// A place in an image with a possible secret.
///
/// The secret itself is never kept.
public struct FoundSecret: Sendable, Hashable {
    /// The name of the rule that matched.
    public let rule: String
    /// The file, with `!NAME` for a file in an archive; `Env NAME`, `Label NAME` or `Cmd` in the configuration;
    /// `history N` in the history, from the oldest line.
    public let path: String
    /// The layer; nil for the configuration.
    public let layer: Int?
    /// The line in the file, from 1; nil outside of files.
    public let line: Int?
    /// True if a later layer deletes the file, which removes nothing from the image.
    public let deletedLater: Bool
    /// The number of this match among those of the same rule and place, from 1.
    var number = 1

    /// A short name of the place that stays when lines before it change, for lists of allowed places.
    ///
    /// It says nothing about the secret.
    public var fingerprint: String {
        String(Digest(of: Array("\(rule)\n\(path)\n\(number)".utf8)).hex.prefix(12))
    }
}

/// A search for secrets in files and in the configuration.
struct SecretScanner {
    /// The places that are not allowed.
    private(set) var secrets: [FoundSecret] = []
    /// The number of allowed places.
    private(set) var allowedCount = 0

    /// Takes the matches in files, which were read with the policy's search, and searches the configuration.
    init(_ files: ImageFiles, _ policy: SecretPolicy = .standard) {
        read(configurationOf: files.image, SecretText(rules: policy.rules))
        for (id, matches) in files.matches {
            let inode = files.tree.inodes[id]
            secrets += matches.map { match in
                FoundSecret(
                    rule: match.rule, path: inode.path.description + (match.member.map { "!\($0)" } ?? ""),
                    layer: inode.layer, line: match.line, deletedLater: inode.linkCount == 0)
            }
        }
        secrets.sort(by: Self.inOrder)
        numberPlaces()
        let all = secrets.count
        secrets.removeAll(where: policy.allows)
        allowedCount = all - secrets.count
    }

    private mutating func numberPlaces() {
        var counts: [String: Int] = [:]
        for index in secrets.indices {
            let key = "\(secrets[index].rule)\n\(secrets[index].path)"
            counts[key, default: 0] += 1
            secrets[index].number = counts[key] ?? 1
        }
    }

    private static func inOrder(_ left: FoundSecret, _ right: FoundSecret) -> Bool {
        (left.layer ?? -1, left.path, left.line ?? 0, left.rule) < (
            right.layer ?? -1, right.path, right.line ?? 0, right.rule
        )
    }

    /// Searches variables, labels, commands and the history, which has the build arguments.
    private mutating func read(configurationOf image: Image, _ text: SecretText) {
        let config = image.config
        for variable in config.environment { add(variable, "Env \(variable.prefix { $0 != "=" })", text) }
        for (name, value) in config.labels { add("\(name)=\(value)", "Label \(name)", text) }
        add((config.entrypoint ?? []).joined(separator: " "), "Entrypoint", text)
        add((config.command ?? []).joined(separator: " "), "Cmd", text)
        add((config.healthcheck?["Test"]?.strings ?? []).joined(separator: " "), "Healthcheck", text)
        for (index, line) in config.onBuild.enumerated() { add(line, "OnBuild \(index)", text) }
        for (index, step) in ImageHistory.unredactedSteps(of: image).enumerated() {
            let line = "\(step.history?.createdBy ?? "") \(step.history?.comment ?? "")"
            add(line, "history \(index)", text, layer: step.layer)
        }
    }

    private mutating func add(_ setting: String, _ path: String, _ text: SecretText, layer: Int? = nil) {
        let found = Set(text.matches(inSetting: setting).map(\.rule))
        // A name says less than the form of a token.
        let rules = found.count > 1 ? found.subtracting([SecretText.variable]) : found
        secrets += rules.sorted().map {
            FoundSecret(rule: $0, path: path, layer: layer, line: nil, deletedLater: false)
        }
    }
}
