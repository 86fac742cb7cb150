internal import Project

/// The pages about `thaw.toml`, made from ``ConfigSection``.
public enum ConfigHelp {
    private static let introduction = [
        "thaw.toml, beside the Dockerfile, has the settings that the builds and gates of a project share.",
        "Every key is optional. An option of the command line takes precedence. An unknown key is an error.",
        "'thaw init' writes a commented file from what it finds in a project.",
    ]

    /// The text of `thaw help config`.
    public static var text: String {
        let sections = ConfigSection.all.map { section in
            (["\(section.header)  \(section.summary)"] + section.keys.map(entry)).joined(separator: "\n")
        }
        return (introduction + [""]).joined(separator: "\n") + "\n" + sections.joined(separator: "\n\n")
    }

    private static func entry(_ key: ConfigKey) -> String {
        "  \(key.name) = \(key.example)\n      \(key.summary)"
    }

    /// The page docs/thaw.toml.md.
    public static var page: String {
        var lines = [
            "# thaw.toml", "", "<!-- Generated from Sources/Project/ConfigSection.swift by `make docs`. -->", "",
        ]
        lines += introduction
        lines += [
            "",
            "Editors that know [JSON Schema](json/thaw.toml.schema.json) complete and check the file, such as those",
            "with taplo: begin the file with `#:schema` and the path of the schema.", "",
        ]
        for section in ConfigSection.all {
            lines += [
                "## \(section.header)", "", section.summary, "", "| key | value | meaning |", "| --- | --- | --- |",
            ]
            lines += section.keys.map(row)
            lines += ["", "```toml", section.header] + example(of: section) + ["```", ""]
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ key: ConfigKey) -> String {
        "| `\(key.name)` | \(key.form.words.replacing("|", with: "\\|")) | \(key.summary) |"
    }

    /// The keys with their examples; of the probes only the first, since one is allowed.
    private static func example(of section: ConfigSection) -> [String] {
        let others = ["probe.tcp", "probe.exec", "probe.log"]
        return section.keys.filter { !others.contains($0.path) }.map { "\($0.name) = \($0.example)" }
    }
}
