/// The shell family of a base image, by its name or its facts.
enum BaseFamily {
    case bash, ash, windows, unknown

    /// Returns the SHELL line that ends a pipe with the first failure; nil if the shell has no such option.
    var pipefailLine: String? {
        switch self {
        case .bash, .unknown: "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]"
        case .ash: "SHELL [\"/bin/ash\", \"-eo\", \"pipefail\", \"-c\"]"
        case .windows: nil
        }
    }

    init(imageName: String) {
        let name = imageName.asciiLowercased
        if ["windows", "nanoserver", "servercore"].contains(where: name.holds) {
            self = .windows
        } else if ["alpine", "busybox", "wolfi", "chainguard"].contains(where: name.holds) {
            self = .ash
        } else {
            self = .unknown
        }
    }
}

/// The facts that the rules for one RUN know.
struct RunContext {
    let script: ShellScript
    /// The values of `--mount=`.
    let mounts: [String]
    /// The SHELL of the stage.
    let shell: [String]
    let base: BaseFamily
    /// The variables before the RUN.
    let scope: Scope
    /// The user that runs it, or nil if none was set.
    let user: String?

    /// The variables that the script sets, with their first plain values.
    private let assigned: [String: String]

    init(script: ShellScript, mounts: [String], shell: [String], base: BaseFamily, scope: Scope, user: String?) {
        (self.script, self.mounts, self.shell) = (script, mounts, shell)
        (self.base, self.scope, self.user) = (base, scope, user)
        let words = script.commands.flatMap { $0.assignments + ($0.name == "export" ? $0.arguments : []) }
        let plain = words.filter { !$0.isDynamic }.compactMap { $0.text.cut(Ascii.equals) }
        assigned = Dictionary(plain.map { ($0.before, $0.after) }) { first, _ in first }
    }

    var commands: [ShellCommand] { script.commands }

    /// True if a cache or temporary directory is mounted at a path that contains `path`.
    func isMounted(_ path: String) -> Bool {
        mounts.contains { ($0.holds("type=cache") || $0.holds("type=tmpfs")) && $0.holds(path) }
    }

    /// True if the commands run in PowerShell or cmd.
    var isWindows: Bool {
        let program = shell.first?.utf8.split { $0 == Ascii.slash || $0 == Ascii.backslash }.last?.text ?? ""
        return base == .windows
            || ["pwsh", "powershell", "powershell.exe", "cmd", "cmd.exe"].contains(program.asciiLowercased)
    }

    /// Returns the value of a variable: of an assignment in the script, else of the stage; nil if it isn't set.
    func value(of name: String) -> String? { assigned[name] ?? scope.value(of: name) }

    /// Returns the text of a word with its variables expanded; nil if one is unknown or a command makes it.
    func text(of word: ShellWord) -> String? {
        guard word.isDynamic else { return word.text }
        guard !word.text.holds("$("), !word.text.utf8.contains(Ascii.backtick) else { return nil }
        let plain = Word(word.text, at: Position(line: 1, column: 1))
        guard let result = try? plain.expansion(escape: Ascii.backslash, lookup: value(of:)), result.unset.isEmpty
        else {
            return nil
        }
        return result.text
    }
}
