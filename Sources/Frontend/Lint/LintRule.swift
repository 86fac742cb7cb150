/// One rule of the linter: its names, the fault that it finds, and the remedy.
public struct LintRule: Sendable {
    /// The remedy of a rule.
    public enum Fix: String, Sendable {
        /// `--fix` writes it, since it can't change the image.
        case automatic = "`--fix` writes it"
        /// The finding shows the line to paste.
        case proposal = "line to paste"
        /// The finding describes it.
        case described = "described"
    }

    /// The name: BuildKit's, hadolint's number, or Thaw's own.
    public let name: String
    /// The names of the same fault in other linters.
    public let otherNames: [String]
    /// The default severity; nil for a rule that is off until a severity is configured.
    public let severity: LintSeverity?
    /// The fault in a few words.
    public let finds: String
    /// The form of its remedy.
    public let fix: Fix

    /// Returns the rule with a name, or the rule that has it as another name.
    public static func named(_ name: String) -> LintRule? { byName[name] }

    /// True for rules of hadolint and ShellCheck, which `# check=` doesn't know.
    static func isHadolint(_ name: String) -> Bool {
        name.utf8.starts(with: "DL".utf8) || name.utf8.starts(with: "SC".utf8)
    }

    /// Returns the address of a rule's description; nil for Thaw's own rules, which `docs/lint.md` describes.
    public static func helpAddress(of name: String) -> String? {
        if name.utf8.starts(with: "DL".utf8) { return "https://github.com/hadolint/hadolint/wiki/\(name)" }
        if name.utf8.starts(with: "SC".utf8) { return "https://www.shellcheck.net/wiki/\(name)" }
        guard ofBuildKit.contains(name) else { return nil }
        return "https://docs.docker.com/reference/build-checks/\(dashed(name))/"
    }

    /// Returns `DuplicateStageName` as `duplicate-stage-name`.
    private static func dashed(_ name: String) -> String {
        var result = ""
        var before: Unicode.Scalar = "A"
        let scalars = Array(name.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            let isUpper = scalar.properties.isUppercase
            let endsWord = index + 1 < scalars.count && !scalars[index + 1].properties.isUppercase
            if isUpper, index > 0, !before.properties.isUppercase || endsWord { result += "-" }
            result += scalar.properties.lowercaseMapping
            before = scalar
        }
        return result
    }

    static let ofBuildKit: Set<String> = [
        "StageNameCasing", "FromAsCasing", "NoEmptyContinuation", "ConsistentInstructionCasing", "DuplicateStageName",
        "ReservedStageName", "JSONArgsRecommended", "MaintainerDeprecated", "UndefinedArgInFrom",
        "WorkdirRelativePath", "UndefinedVar", "MultipleInstructionsDisallowed", "LegacyKeyValueFormat",
        "InvalidBaseImagePlatform", "RedundantTargetPlatform", "SecretsUsedInArgOrEnv", "InvalidDefaultArgInFrom",
        "FromPlatformFlagConstDisallowed", "CopyIgnoredFile", "InvalidDefinitionDescription", "ExposeProtoCasing",
        "ExposeInvalidFormat",
    ]

    private static let byName: [String: LintRule] = {
        var result: [String: LintRule] = [:]
        for rule in all { for name in rule.otherNames { result[name] = rule } }
        for rule in all { result[rule.name] = rule }
        return result
    }()
}
