public import OCI

extension SourceFacts.Kind {
    static let maximumSize: Int64 = 1 << 20

    private static let languages: [String: SourceFacts.Language] = [
        "py": .python, "js": .javaScript, "mjs": .javaScript, "cjs": .javaScript, "pl": .other, "pm": .other,
        "psgi": .other, "cgi": .other, "rb": .other, "ru": .other, "php": .other, "inc": .other, "phtml": .other,
        "lua": .other, "tcl": .other,
    ]

    /// Names of supervisors' files, wherever they are.
    private static let files: Set<String> = ["supervisord.conf", "Procfile", "circus.ini", "monitrc", "crontab"]
    /// Directories of supervisors: every file in them may have commands.
    private static let directories = [
        "etc/supervisor", "etc/supervisord.d", "etc/s6", "etc/s6-overlay", "etc/services.d", "etc/cont-init.d",
        "etc/cont-finish.d", "etc/sv", "etc/service", "etc/runit", "etc/cron.d", "var/spool/cron", "etc/crontabs",
        "etc/systemd/system", "lib/systemd/system", "usr/lib/systemd/system", "etc/monit", "etc/circus",
    ].map { ImagePath.known($0) }

    /// The kind of a path; nil for one that is not read.
    init?(_ path: ImagePath) {
        let name = path.name.text
        if Self.files.contains(name) || Self.directories.contains(where: { path.isWithin($0) }) {
            self = .supervisor
        } else if let dot = name.lastIndex(of: "."),
            let language = Self.languages[String(name[name.index(after: dot)...])]
        {
            self = .language(language)
        } else {
            return nil
        }
    }

    /// The kind of a script by its first line; nil for a shell's, which ``Script`` reads.
    init?(script bytes: [UInt8]) {
        guard let script = Script(bytes), script.words.isEmpty else { return nil }
        let name = script.programs.last.map { $0.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? $0 } ?? []
        if name.starts(with: "python".utf8) {
            self = .language(.python)
        } else if name.starts(with: "node".utf8) {
            self = .language(.javaScript)
        } else {
            self = .language(.other)
        }
    }
}

extension SourceFacts {
    /// True for the configuration of a supervisor, by its path.
    public static func isOfSupervisor(_ path: ImagePath) -> Bool { Kind(path) == .supervisor }
}
