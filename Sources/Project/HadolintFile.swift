internal import Yams

/// The settings of a file `.hadolint.yaml`.
///
/// ```yaml
/// ignored: [DL3008]
/// override: { error: [DL3015], info: [DL3059] }
/// trustedRegistries: [docker.io, "*.example.com"]
/// label-schema: { version: semver }
/// strict-labels: true
/// failure-threshold: warning
/// ```
///
/// `no-fail` and `disable-ignore-pragma` are known too; `format`, `output`, `no-color` and `verbose` have no effect.
/// Any other key is an error, so that a misspelt key is not ignored.
public struct HadolintFile: Sendable, Equatable {
    /// The rules to ignore.
    public private(set) var ignored: [String] = []
    /// The names of severities by rule: error, warning, info, style or ignore.
    public private(set) var severities: [String: String] = [:]
    /// The registries that FROM may name.
    public private(set) var trustedRegistries: [String] = []
    /// The types of labels by name.
    public private(set) var labels: [String: String] = [:]
    /// True if other labels are not allowed.
    public private(set) var hasStrictLabels = false
    /// True if comments can't silence rules.
    public private(set) var disablesPragmas = false
    /// The lowest severity that fails the check, or `none`; nil for the default.
    public private(set) var failureThreshold: String?

    private static let keys = [
        "ignored", "override", "trustedRegistries", "label-schema", "strict-labels", "disable-ignore-pragma",
        "failure-threshold", "no-fail", "format", "output", "no-color", "verbose",
    ]
    private static let severityNames = ["error", "warning", "info", "style", "ignore"]
    private static let labelTypes = ["text", "rawtext", "rfc3339", "semver", "url", "hash", "spdx", "email"]

    /// Parses the text of a file.
    public init(parsing text: String) throws(HadolintFileError) {
        let root: Node?
        do { root = try compose(yaml: text) } catch { throw .malformed(reason: Self.reason(error)) }
        guard let root, !Self.isNull(root) else { return }
        guard let mapping = root.mapping else { throw .malformed(reason: "the document is not a map of settings") }
        for (key, value) in mapping { try take(key.string ?? "", value) }
    }

    private static func reason(_ error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return "line \(mark.line): \(problem)"
        default: return "it is not YAML"
        }
    }

    private static func isNull(_ node: Node) -> Bool {
        guard case .scalar(let scalar) = node else { return false }
        return ["", "~", "null"].contains(scalar.string)
    }

    private mutating func take(_ key: String, _ value: Node) throws(HadolintFileError) {
        switch key {
        case "ignored": ignored = try Self.list(key, value)
        case "trustedRegistries": trustedRegistries = try Self.list(key, value)
        case "override": try takeOverrides(value)
        case "label-schema": labels = try Self.labels(key, value)
        case "strict-labels": hasStrictLabels = try Self.truth(key, value)
        case "disable-ignore-pragma": disablesPragmas = try Self.truth(key, value)
        case "no-fail": if try Self.truth(key, value) { failureThreshold = "none" }
        case "failure-threshold": try takeThreshold(key, value)
        case "format", "output", "no-color", "verbose": break
        default: throw .unknownKey(key, known: Self.keys)
        }
    }

    private mutating func takeOverrides(_ value: Node) throws(HadolintFileError) {
        guard let mapping = value.mapping else { throw .wrongValue("override", wanted: "a map of severities to rules") }
        for (key, rules) in mapping {
            let name = key.string ?? ""
            guard Self.severityNames.contains(name) else { throw .unknownKey(name, known: Self.severityNames) }
            for rule in try Self.list("override.\(name)", rules) { severities[rule] = name }
        }
    }

    private mutating func takeThreshold(_ key: String, _ value: Node) throws(HadolintFileError) {
        let names = Self.severityNames + ["none"]
        guard let name = value.string, names.contains(name) else {
            throw .wrongValue(key, wanted: names.joined(separator: ", "))
        }
        // `no-fail` wins.
        if failureThreshold != "none" { failureThreshold = name }
    }

    private static func list(_ key: String, _ value: Node) throws(HadolintFileError) -> [String] {
        if isNull(value) { return [] }
        guard let items = value.sequence else { throw .wrongValue(key, wanted: "a list of names") }
        var result: [String] = []
        for item in items {
            guard let text = item.string else { throw .wrongValue(key, wanted: "a list of names") }
            result.append(text)
        }
        return result
    }

    private static func labels(_ key: String, _ value: Node) throws(HadolintFileError) -> [String: String] {
        guard let mapping = value.mapping else { throw .wrongValue(key, wanted: "a map of labels to types") }
        var result: [String: String] = [:]
        for (name, type) in mapping {
            guard let name = name.string, let type = type.string, labelTypes.contains(type) else {
                throw .wrongValue("\(key).\(name.string ?? "")", wanted: labelTypes.joined(separator: ", "))
            }
            result[name] = type
        }
        return result
    }

    private static func truth(_ key: String, _ value: Node) throws(HadolintFileError) -> Bool {
        guard let truth = value.bool else { throw .wrongValue(key, wanted: "true or false") }
        return truth
    }
}

/// An error in a file `.hadolint.yaml`.
public enum HadolintFileError: Error, Equatable, CustomStringConvertible {
    /// The text is not YAML, or not a map.
    case malformed(reason: String)
    /// A key is not known.
    case unknownKey(String, known: [String])
    /// A key has a value of another form.
    case wrongValue(String, wanted: String)

    /// The error as one sentence.
    public var description: String {
        switch self {
        case .malformed(let reason): "the settings cannot be read: \(reason)"
        case .unknownKey(let key, let known): "unknown key '\(key)'; known are \(known.joined(separator: ", "))"
        case .wrongValue(let key, let wanted): "'\(key)' must be \(wanted)"
        }
    }
}
