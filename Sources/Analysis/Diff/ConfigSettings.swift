internal import Linux
internal import OCI

/// The settings of a configuration, each with a name that stays when others come and go.
struct ConfigSettings {
    /// The values as JSON.
    private(set) var values: [String: String] = [:]

    private static let environmentKey = "config.Env"

    /// Takes all settings but layers and history, which are compared apart.
    init(_ config: ImageConfig) {
        var waiting = [("", config.json)]
        while let (key, value) = waiting.popLast() {
            if ["rootfs", "history"].contains(key) { continue }
            if let members = value.object, !members.isEmpty {
                waiting += members.map { (key.isEmpty ? $0.key : "\(key).\($0.key)", $0.value) }
            } else if key == Self.environmentKey, let variables = value.strings, !variables.isEmpty {
                takeEnvironment(variables)
            } else {
                values[key] = String(decoding: value.bytes, as: UTF8.self)
            }
        }
    }

    /// Takes each variable by its name; of two with the same name, a program sees the last.
    private mutating func takeEnvironment(_ variables: [String]) {
        for variable in variables {
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? JSON.string(String(parts[1])) : .null
            values["\(Self.environmentKey).\(parts[0])"] = String(decoding: value.bytes, as: UTF8.self)
        }
        let names = variables.map { $0.prefix { $0 != "=" } }
        values[Self.orderKey] = String(decoding: JSON.strings(names.map(String.init)).bytes, as: UTF8.self)
    }

    /// The name of the setting with the order of variables.
    static let orderKey = "config.Env (order)"

    /// Returns the settings that differ, by name.
    ///
    /// Another order of variables is a difference only if nothing else about them differs.
    static func differences(_ old: ConfigSettings, _ new: ConfigSettings) -> [ImageDiff.Setting] {
        let keys = Set(old.values.keys).union(new.values.keys).filter { old.values[$0] != new.values[$0] }
        let hasVariables = keys.contains { $0.hasPrefix("\(environmentKey).") }
        return keys.filter { $0 != orderKey || !hasVariables }.sorted().map {
            ImageDiff.Setting(
                key: $0, before: redacted(old.values[$0], of: $0), after: redacted(new.values[$0], of: $0))
        }
    }

    /// Returns a value without secrets, which the setting's name may show.
    private static func redacted(_ value: String?, of key: String) -> String? {
        guard let value else { return nil }
        let name = "\(key.split(separator: ".").last ?? "")="
        return String(SecretText.redacted(name + value).dropFirst(name.count))
    }
}
