public import Analysis
internal import Frontend
public import Project

extension SecretPolicy {
    /// Takes the rules and the allowed places of a `thaw.toml`; `file` is its path in errors.
    public init(_ project: ProjectFile, file: String) throws {
        for rule in project.secrets.rules {
            do throws(SecretPatternError) {
                _ = try SecretPolicy(adding: [(rule.id, rule.pattern)], allowing: [])
            } catch {
                throw Failure("\(file): 'secrets.rule': the pattern of '\(rule.id)': \(error)", status: .usage)
            }
        }
        try self.init(
            adding: project.secrets.rules.map { ($0.id, $0.pattern) },
            allowing: project.secrets.allowances.map { try Allowance($0, file: file) })
    }
}

extension SecretPolicy.Allowance {
    fileprivate init(_ entry: ProjectFile.Secrets.AllowedSecret, file: String) throws {
        guard let path = entry.path else {
            self.init(rule: entry.rule, fingerprint: entry.fingerprint)
            return
        }
        let pattern: IgnoreRules
        do {
            pattern = try IgnoreRules(parsing: Array(path.utf8))
        } catch {
            throw Failure("\(file): 'secrets.allow': '\(path)' is not a pattern of paths", status: .usage)
        }
        self.init(rule: entry.rule, fingerprint: entry.fingerprint) { place in
            pattern.excludes(String(place.drop { $0 == "/" }))
        }
    }
}
