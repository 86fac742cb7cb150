public import ImageFiles
internal import OCI

/// The rules for secrets, and the places where they are allowed.
public struct SecretPolicy: Sendable {
    /// A place where a secret is no problem; every condition that is set must hold.
    public struct Allowance: Sendable {
        let rule: String?
        let fingerprint: String?
        let path: (@Sendable (String) -> Bool)?

        /// Allows the secrets of a rule, of a fingerprint, or below paths.
        public init(
            rule: String? = nil, fingerprint: String? = nil, path: (@Sendable (String) -> Bool)? = nil
        ) {
            (self.rule, self.fingerprint, self.path) = (rule, fingerprint, path)
        }

        func covers(_ secret: FoundSecret) -> Bool {
            rule.map { $0 == secret.rule } ?? true && fingerprint.map { $0 == secret.fingerprint } ?? true
                && path.map { $0(secret.path) } ?? true
        }
    }

    /// The built-in rules, without allowed places.
    public static let standard = SecretPolicy(rules: .standard, identity: "", allowances: [])

    let rules: SecretRules
    let allowances: [Allowance]
    private let identity: String

    private init(rules: SecretRules, identity: String, allowances: [Allowance]) {
        (self.rules, self.identity, self.allowances) = (rules, identity, allowances)
    }

    /// Adds own rules to the built-in ones, and allows places.
    ///
    /// - Parameter own: The names and the patterns of the rules.
    public init(
        adding own: [(id: String, pattern: String)], allowing allowances: [Allowance]
    ) throws(SecretPatternError) {
        var rules: [SecretRules.SecretRule] = []
        for rule in own { rules.append(SecretRules.SecretRule(id: rule.id, pattern: try SecretPattern(rule.pattern))) }
        self.init(
            rules: own.isEmpty ? .standard : SecretRules(adding: rules),
            identity: own.map { "\($0.id) \($0.pattern)" }.joined(separator: "\n"), allowances: allowances)
    }

    /// The search of files, for the pass over the layers.
    public var search: TextSearch {
        let text = SecretText(rules: rules)
        return TextSearch(identity: identity) { path, size in SecretScan(path, size, text) }
    }

    /// True if a secret is in an allowed place.
    func allows(_ secret: FoundSecret) -> Bool { allowances.contains { $0.covers(secret) } }
}
