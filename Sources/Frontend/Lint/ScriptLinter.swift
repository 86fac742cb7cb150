/// The rules for the commands of one RUN.
struct ScriptLinter {
    struct Found {
        let rule: String
        let severity: LintSeverity
        let message: String
        let fix: String?
        let edits: [TextEdit]
    }

    let commands: [ShellCommand]
    let lines: [(number: Int, bytes: ArraySlice<UInt8>)]
    var mounts: [String] = []
    private(set) var found: [Found] = []

    init(commands: [ShellCommand], lines: [(number: Int, bytes: ArraySlice<UInt8>)]) {
        self.commands = commands
        self.lines = lines
    }

    mutating func check() {
        for command in commands { checkCommand(command) }
        checkAptLists()
        checkCleanups()
    }

    /// Adds a finding; a rule is reported once for each RUN.
    mutating func add(
        _ rule: String, _ severity: LintSeverity, _ message: String, fix: String? = nil, edits: [TextEdit] = []
    ) {
        guard !found.contains(where: { $0.rule == rule }) else { return }
        found.append(Found(rule: rule, severity: severity, message: message, fix: fix, edits: edits))
    }

    private mutating func checkCommand(_ command: ShellCommand) {
        switch command.name {
        case "cd":
            add(
                "DL3003", .warning, "Use WORKDIR to switch to a directory",
                fix: "WORKDIR \(command.operands.first ?? "")")
        case "sudo":
            add(
                "DL3004", .error,
                "Do not use sudo as it leads to unpredictable behavior. Use a tool like gosu to enforce root")
        case "ssh", "vim", "shutdown", "service", "ps", "free", "top", "kill", "mount", "ifconfig":
            add(
                "DL3001", .info,
                "For some bash commands it makes no sense running them in a Docker container like `\(command.name)`")
        case "ln" where command.words.contains("/bin/sh"):
            add("DL4005", .warning, "Use SHELL to change the default shell")
        case "useradd": checkUserAdd(command)
        case "wget"
        where !command.has("-q", "-nv", "--quiet", "--no-verbose")
            && !command.words.contains { $0.hasPrefix("--progress") || $0.hasPrefix("-q") || $0.hasPrefix("-nv") }:
            add("DL3047", .info, "Avoid use of wget without progress bar. Use `wget --progress=dot:giga <url>`")
        case "apt":
            add(
                "DL3027", .warning,
                "Do not use apt as it is meant to be an end-user tool, use apt-get or apt-cache instead",
                fix: "write apt-get", edits: insertions(after: "apt", before: "", "-get"))
        case "apt-get": checkApt(command)
        case "apk": checkApk(command)
        case "pip", "pip2", "pip3": checkPip(command, Array(command.arguments))
        case "python",
            "python3" where command.words.count > 2 && command.words[1] == "-m" && command.words[2] == "pip":
            checkPip(command, Array(command.words.dropFirst(3)))
        case "npm": checkNpm(command)
        case "gem":
            checkVersions(
                command, ["install", "i"], "DL3028",
                "Pin versions in gem install. Instead of `gem install <gem>` use `gem install <gem>:<version>`",
                marks: ":")
        case "yum": checkRed(command, yes: "DL3030", pin: "DL3033")
        case "dnf", "microdnf": checkRed(command, yes: "DL3038", pin: "DL3041")
        case "zypper": checkZypper(command)
        default: break
        }
    }

    private mutating func checkUserAdd(_ command: ShellCommand) {
        let uids = zip(command.words, command.words.dropFirst()).filter { $0.0 == "-u" || $0.0 == "--uid" }.map(\.1)
        guard uids.contains(where: { $0.utf8.count > 5 }), !command.hasOption("l", "--no-log-init") else { return }
        add("DL3046", .warning, "`useradd` without flag `-l` and high UID will result in excessively large Image.")
    }

    func isMounted(_ path: String) -> Bool { mounts.contains { $0.holds(path) } }

    /// Returns edits that insert `text` after each `tool verb` of the instruction, or after `tool` if `verb` is empty.
    func insertions(after tool: String, before verb: String, _ text: String) -> [TextEdit] {
        lines.flatMap { number, bytes in
            Self.ends(of: tool, verb, in: Array(bytes)).map { offset in
                TextEdit.inserting(text, at: Position(line: number, column: offset + 1))
            }
        }
    }

    private static func ends(of tool: String, _ verb: String, in line: [UInt8]) -> [Int] {
        guard line.drop(while: \.isBlank).first != Ascii.hash else { return [] }
        let (tool, verb) = (Array(tool.utf8), Array(verb.utf8))
        return line.indices.compactMap { start in
            guard start == 0 || !(line[start - 1].isNameByte || "-/.".utf8.contains(line[start - 1])) else {
                return nil
            }
            guard line[start...].starts(with: tool) else { return nil }
            var end = start + tool.count
            if tool.elementsEqual("pip".utf8), end < line.count, line[end].isDigit { end += 1 }
            guard end < line.count, line[end].isBlank else { return nil }
            if verb.isEmpty { return end }
            // Options may come between the tool and its verb.
            for piece in Words.plain(line[end...].drop(while: \.isBlank)) {
                if piece.text.utf8.elementsEqual(verb) { return piece.offset + verb.count }
                guard piece.text.utf8.first == Ascii.dash else { return nil }
            }
            return nil
        }
    }
}
