/// A section of `thaw.toml` with its keys.
public struct ConfigSection: Sendable {
    /// The name, without brackets.
    public let name: String
    /// The purpose, in one sentence.
    public let summary: String
    /// True for `[[name]]`, which can be repeated.
    public let isRepeated: Bool
    /// The keys, in the order of the documentation.
    public let keys: [ConfigKey]

    /// The name in brackets.
    public var header: String { isRepeated ? "[[\(name)]]" : "[\(name)]" }

    private init(
        _ name: String, _ summary: String, isRepeated: Bool = false,
        _ keys: [(name: String, form: ConfigKey.Form, example: String, summary: String)]
    ) {
        (self.name, self.summary, self.isRepeated) = (name, summary, isRepeated)
        self.keys = keys.map {
            ConfigKey(section: name, name: $0.name, form: $0.form, summary: $0.summary, example: $0.example)
        }
    }

    /// The keys that each entry of a repeated section must have.
    public var requiredKeys: [String] { isRepeated && name != "secrets.allow" ? keys.map(\.name) : [] }

    /// All sections.
    public static let all = [build, probe, boot, slim, optimize, budget, waive, secretRules, secretAllowances]

    private static let build = ConfigSection(
        "build", "The build of 'thaw optimize'. An option of the command line takes precedence.",
        [
            ("dockerfile", .text, "\"Dockerfile\"", "The Dockerfile, relative to the directory."),
            ("target", .text, "\"app\"", "The stage to build; by default the last one."),
            ("context", .text, "\".\"", "The build context, a directory inside of the project."),
            ("args", .pairs, "{ VERSION = \"1\" }", "Values of ARG."),
        ])

    private static let probe = ConfigSection(
        "probe", "The probe of readiness. Only one of http, tcp, exec and log is allowed.",
        [
            ("http", .text, "\"8080/healthz\"", "A GET that must get a status from 200 to 399: PORT/PATH."),
            ("tcp", .port, "8080", "A port that must accept a connection."),
            ("exec", .text, "\"/app --check\"", "A command in the image, without a shell, that must exit with 0."),
            ("log", .text, "\"ready\"", "A pattern that a line of the program's output must match."),
            ("timeout", .time, "\"30s\"", "The time limit for the probe to pass; by default 60s."),
        ])

    private static let boot = ConfigSection(
        "boot", "The machine that images are started in.",
        [
            (
                "engine", .choice(["auto", "kvm", "qemu", "container"]), "\"auto\"",
                "The engine; auto is the first that works on this machine."
            ),
            ("kernel", .text, "\"small\"", "The guest's kernel: debian, small, or a file relative to this one."),
            ("runs", .count(least: 1), "3", "The number of starts."),
            ("memory", .size, "\"256MiB\"", "The memory of the machine, or the limit of the container."),
            ("cpus", .count(least: 1), "1", "The number of processors."),
            ("env", .texts, "[\"PORT=8080\"]", "Variables of the program's environment, NAME=VALUE."),
        ])

    private static let slim = ConfigSection(
        "slim", "The files that a slim image keeps or drops.",
        [
            ("keep", .texts, "[\"certs\"]", "Groups of files to keep: shell, certs, tzdata, locales or packages."),
            ("include", .texts, "[\"/app/**\"]", "Paths to keep with the files that they need; * and ** match names."),
            ("exclude", .texts, "[\"/usr/share/doc/**\"]", "Paths to drop, even if they are needed."),
        ])

    private static let optimize = ConfigSection(
        "optimize", "The changes that 'thaw optimize' tries on the slim image.",
        [
            (
                "cures", .texts, "[\"python-bytecode\"]",
                "The cures by name, or all; an empty list tries none. By default all."
            )
        ])

    private static let budget = ConfigSection(
        "budget", "Limits that 'thaw gate' and 'thaw optimize' check. A broken one gives exit status 2.",
        [
            ("size", .size, "\"60MB\"", "The compressed size, as stored and transferred."),
            ("unpacked", .size, "\"200MB\"", "The size of the files of all layers."),
            ("layers", .count(least: 1), "20", "The number of layers."),
            ("largest-layer", .size, "\"40MB\"", "The compressed size of the largest layer; one core unpacks a layer."),
            ("growth", .growth, "\"2%\"", "The growth of the compressed size against --baseline."),
            ("waste", .size, "\"1MB\"", "The size of files that later layers hide."),
            ("waste-ratio", .share, "\"2%\"", "The same as a share of all files."),
            ("leftovers", .size, "\"100kB\"", "The size of caches, logs and documentation."),
            ("duplicates", .size, "\"5MB\"", "The size of further copies of the same content."),
            ("secrets", .count(least: 0), "0", "The number of possible secrets in files and configuration."),
            ("setuid", .count(least: 0), "0", "The number of files with a setuid or setgid bit."),
            (
                "vulnerabilities", .counts(ProjectFile.VulnerabilityLimit.severities), "{ critical = 0, high = 2 }",
                "The number of known vulnerabilities by severity; thaw gate needs --db."
            ),
            ("root", .flag, "false", "False if the program must not run as root."),
            ("healthcheck", .flag, "true", "True if the image must have a HEALTHCHECK."),
            (
                "forbidden-packages", .texts, "[\"curl\", \"gcc*\"]",
                "Packages that must not be there; * matches any text."
            ),
            ("start", .time, "\"20s\"", "The median time to the first request; counted where the machine is emulated."),
            (
                "start-work", .count(least: 1), "250000000",
                "The program's instructions until the first byte of the response."
            ),
        ])

    private static let waive = ConfigSection(
        "waive", "A budget that may be broken until a date.", isRepeated: true,
        [
            ("rule", .text, "\"size\"", "The key in [budget]."),
            ("reason", .text, "\"until the base is smaller\"", "The reason, which the report prints."),
            ("until", .date, "\"2027-01-31\"", "The last day of the waiver."),
        ])

    private static let secretRules = ConfigSection(
        "secrets.rule", "A rule for secrets besides the built-in ones.", isRepeated: true,
        [
            ("id", .text, "\"acme-token\"", "The name of the rule in reports."),
            ("pattern", .text, "\"acme_[a-z0-9]{32}\"", "The pattern of the secret."),
        ])

    private static let secretAllowances = ConfigSection(
        "secrets.allow", "Places where a secret is no problem; every condition that is set must hold.",
        isRepeated: true,
        [
            ("path", .text, "\"app/tests/**\"", "Paths of files; * and ** match as in .dockerignore."),
            ("rule", .text, "\"private-key\"", "The rule that finds it."),
            ("fingerprint", .text, "\"0123456789ab\"", "The fingerprint of one secret, from a report."),
            ("reason", .text, "\"keys of the tests\"", "The reason, for readers of the file."),
        ])
}
