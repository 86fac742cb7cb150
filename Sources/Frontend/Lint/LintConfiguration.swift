/// The settings of a linter, such as those of a file `.hadolint.yaml`.
public struct LintConfiguration: Sendable, Equatable {
    /// The type of a label's value.
    public enum LabelType: String, Sendable, CaseIterable {
        case text, rawtext, rfc3339, semver, url, hash, spdx, email
    }

    /// The rules to ignore.
    public var ignored: Set<String> = []
    /// The severities that replace those of the rules, by name.
    public var severities: [String: LintSeverity] = [:]
    /// The registries that FROM may name, with `*` at one end; empty for all.
    public var trustedRegistries: [String] = []
    /// The labels that the last stage must have, with the types of their values.
    public var labels: [String: LabelType] = [:]
    /// True if other labels are not allowed.
    public var hasStrictLabels = false
    /// True if comments can't silence rules.
    public var disablesPragmas = false
    /// The lowest severity that fails the check; nil for none.
    public var failureThreshold: LintSeverity? = .style

    /// Makes the default settings.
    public init() {}
}
