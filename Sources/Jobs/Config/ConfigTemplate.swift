internal import Linux
internal import Project

/// The commented `thaw.toml` of `thaw init`.
public enum ConfigTemplate {
    /// Returns the file: what was found is set, every other key is a comment with an example.
    public static func text(_ findings: ProjectFindings) -> String {
        let found = findings.remarks.isEmpty ? [] : ["# Found: \(findings.remarks.joined(separator: "; "))."]
        let head = ["# Settings of thaw for this project. 'thaw help config' describes every key."] + found
        let sections = ConfigSection.all.filter { !$0.isRepeated }.map { section in
            ["", "# \(section.summary)", section.header] + section.keys.map { line(for: $0, findings) }
        }
        return (head + sections.flatMap(\.self) + waivers).joined(separator: "\n") + "\n"
    }

    private static func line(for key: ConfigKey, _ findings: ProjectFindings) -> String {
        let setting = setting(of: key, findings) ?? "# \(key.name) = \(key.example)"
        return setting.padded(to: 42) + "# \(key.summary)"
    }

    /// Returns the line of a key that is set; nil for a comment.
    private static func setting(of key: ConfigKey, _ findings: ProjectFindings) -> String? {
        switch key.path {
        case "build.dockerfile": findings.dockerfile.map { "dockerfile = \(JSON.string($0).line)" }
        case "probe.tcp": findings.probe
        case "boot.memory": findings.memory.map { "memory = \"\($0.bytes >> 20)MiB\"" }
        case "budget.secrets": "secrets = 0"
        default: nil
        }
    }

    private static let waivers =
        ConfigSection.all.filter(\.isRepeated).flatMap { section in
            ["", "# \(section.summary)", "# \(section.header)"] + section.keys.map { "# \($0.name) = \($0.example)" }
        }
}

extension String {
    /// The text with blanks up to a width, and at least one.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
