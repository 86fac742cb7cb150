/// Hadolint's rules about what RUN does, and about the users, probes and tools of a stage.
extension Linter {
    mutating func checkScripts() {
        for stage in file.stages {
            checkUser(stage)
            var shell = ["/bin/sh", "-c"]
            var tools: Set<String> = []
            var lastRun: Located<Instruction>?
            for located in stage.instructions {
                if case .shell(let value) = located.value { shell = value.words }
                guard case .run(let run) = located.value else {
                    if !located.value.isMetadataBetweenRuns { lastRun = nil }
                    continue
                }
                checkConsecutive(run, located, after: lastRun)
                lastRun = located
                checkRun(run, located, shell, &tools)
            }
        }
    }

    private mutating func checkUser(_ stage: Stage) {
        var last: (user: String, lines: ClosedRange<Int>)?
        for located in stage.instructions {
            if case .user(let user) = located.value { last = (user.user.text, located.lines) }
        }
        guard let last, stage.index == file.stages.count - 1 else { return }
        let name = last.user.cut(Ascii.colon)?.before ?? last.user
        if name == "root" || name == "0" { report("DL3002", .warning, "Last USER should not be root", last.lines) }
    }

    private mutating func checkConsecutive(
        _ run: Instruction.Run, _ located: Located<Instruction>, after last: Located<Instruction>?
    ) {
        guard let last, case .run(let earlier) = last.value, last.lines.upperBound < located.lines.lowerBound else {
            return
        }
        let isAlike =
            run.mounts == earlier.mounts && run.network == earlier.network && run.security == earlier.security
            && run.heredocs.isEmpty && earlier.heredocs.isEmpty
        guard isAlike else { return }
        report(
            "DL3059", .info, "Multiple consecutive `RUN` instructions. Consider consolidation.", located.lines,
            fix: "join them with &&")
    }

    private mutating func checkRun(
        _ run: Instruction.Run, _ located: Located<Instruction>, _ shell: [String], _ tools: inout Set<String>
    ) {
        let commands: [ShellCommand]
        var isShell = true
        switch run.body {
        case .exec(let words):
            commands = [ShellCommand(words: words)]
            isShell = false
        case .shell(let text): commands = ShellText(text).commands
        case .script: return
        }
        var script = ScriptLinter(commands: commands, lines: located.lines.map { ($0, line($0)) })
        script.mounts = run.mounts.map(\.word.text)
        script.check()
        for finding in script.found {
            report(
                finding.rule, finding.severity, finding.message, located.lines, fix: finding.fix,
                edits: finding.edits)
        }
        checkTools(commands, located.lines, &tools)
        if isShell, commands.contains(where: \.isPiped), !Self.hasPipefail(commands, shell) {
            report(
                "DL4006", .warning, "Set the SHELL option -o pipefail before RUN with a pipe in it", located.lines,
                fix: "SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"] before it")
        }
    }

    private mutating func checkTools(
        _ commands: [ShellCommand], _ lines: ClosedRange<Int>, _ tools: inout Set<String>
    ) {
        let before = tools
        tools.formUnion(commands.map(\.name).filter { $0 == "wget" || $0 == "curl" })
        if tools.count == 2, before.count < 2 {
            report("DL4001", .warning, "Either use Wget or Curl but not both", lines)
        }
    }

    private static func hasPipefail(_ commands: [ShellCommand], _ shell: [String]) -> Bool {
        let program = shell.first?.utf8.split(separator: Ascii.slash).last?.text ?? ""
        if ["pwsh", "powershell", "cmd", "cmd.exe"].contains(program) { return true }
        return shell.contains("pipefail") || shell.contains { $0.hasSuffix("o pipefail") }
            || commands.contains { $0.name == "set" && $0.words.contains("pipefail") }
    }
}

extension Instruction {
    /// Whether two RUN lines around it could still be joined.
    fileprivate var isMetadataBetweenRuns: Bool {
        if case .maintainer = self { true } else { false }
    }
}

/// The rules for the commands of one RUN.
struct ScriptLinter {
    struct Found {
        let rule: String
        let severity: Severity
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

    /// A rule is reported once for a RUN, however often it is broken there.
    private mutating func add(
        _ rule: String, _ severity: Severity, _ message: String, fix: String? = nil, edits: [TextEdit] = []
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

    private mutating func checkApt(_ command: ShellCommand) {
        guard command.operands.first == "install" || command.operands.dropFirst().first == "install" else {
            if command.words.contains("dist-upgrade") { add("DL3005", .error, "Do not use apt-get dist-upgrade") }
            return
        }
        let place = self
        func insertion(_ text: String) -> [TextEdit] { place.insertions(after: "apt-get", before: "install", text) }
        if !command.hasOption("y", "--yes", "--assume-yes", "-qq"), !command.has("-qq") {
            add(
                "DL3014", .warning, "Use the `-y` switch to avoid manual input `apt-get -y install <package>`",
                fix: "write apt-get install -y", edits: insertion(" -y"))
        }
        if !command.words.contains(where: {
            $0.hasPrefix("--no-install-recommends") || $0.contains("Install-Recommends=false")
                || $0.contains("Install-Recommends=0")
        }) {
            add(
                "DL3015", .info, "Avoid additional packages by specifying `--no-install-recommends`",
                fix: "write apt-get install --no-install-recommends", edits: insertion(" --no-install-recommends"))
        }
        let packages = command.operands.drop { $0 != "install" }.dropFirst()
        if packages.contains(where: { Self.isUnpinned($0, marks: "=/") && !$0.hasSuffix(".deb") }) {
            add(
                "DL3008", .warning,
                "Pin versions in apt get install. Instead of `apt-get install <package>` use `apt-get install <package>=<version>`"
            )
        }
    }

    /// A name that holds none of the marks, and is no variable that could.
    private static func isUnpinned(_ name: String, marks: String) -> Bool {
        !name.utf8.contains {
            marks.utf8.contains($0) || $0 == Ascii.dollar || $0 == UInt8(ascii: ">") || $0 == Ascii.less
                || $0 == Ascii.backtick
        }
    }

    private mutating func checkApk(_ command: ShellCommand) {
        guard command.operands.first == "add" || command.operands.contains("add") else { return }
        if !command.has("--no-cache"), !isMounted("/var/cache/apk"), !isMounted("/etc/apk/cache") {
            add(
                "DL3019", .info,
                "Use the `--no-cache` switch to avoid the need to use `--update` and remove `/var/cache/apk/*` when done installing packages",
                fix: "write apk add --no-cache", edits: insertions(after: "apk", before: "add", " --no-cache"))
        }
        let skip = zip(command.words, command.words.dropFirst()).filter {
            ["-t", "--virtual", "--repository", "-X"].contains($0.0)
        }.map(\.1)
        let packages = command.operands.drop { $0 != "add" }.dropFirst().filter { !skip.contains($0) }
        if packages.contains(where: { Self.isUnpinned($0, marks: "=~><") && !$0.hasPrefix(".") }) {
            add(
                "DL3018", .warning,
                "Pin versions in apk add. Instead of `apk add <package>` use `apk add <package>=<version>`")
        }
    }

    private mutating func checkPip(_ command: ShellCommand, _ arguments: [String]) {
        guard let index = arguments.firstIndex(of: "install") else { return }
        if !command.words.contains(where: { $0.hasPrefix("--no-cache-dir") }), !isMounted("pip"),
            !isMounted("/root/.cache")
        {
            add(
                "DL3042", .warning, "Avoid use of cache directory with pip. Use `pip install --no-cache-dir <package>`",
                fix: "write pip install --no-cache-dir",
                edits: insertions(after: "pip", before: "install", " --no-cache-dir"))
        }
        let values: Set<String> = [
            "-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-i", "--index-url", "--extra-index-url",
            "-t", "--target", "--prefix", "-f", "--find-links",
        ]
        var packages: [String] = []
        var skips = false
        for word in arguments[(index + 1)...] {
            if skips {
                skips = false
            } else if values.contains(word) {
                skips = true
            } else if word.utf8.first != Ascii.dash {
                packages.append(word)
            }
        }
        let names = packages.filter { !$0.hasPrefix(".") && !$0.contains("/") && !$0.hasSuffix(".whl") }
        if names.contains(where: { Self.isUnpinned($0, marks: "=@~") }) {
            add(
                "DL3013", .warning,
                "Pin versions in pip. Instead of `pip install <package>` use `pip install <package>==<version>` or `pip install --requirement <requirements file>`"
            )
        }
    }

    private mutating func checkNpm(_ command: ShellCommand) {
        guard ["install", "i", "add"].contains(command.operands.first ?? "") else { return }
        let names = command.operands.dropFirst().filter {
            !$0.hasPrefix(".") && !$0.hasPrefix("/") && !$0.contains("://") && !$0.hasPrefix("git")
                && !$0.hasSuffix(".tgz")
        }
        if names.contains(where: { !$0.utf8.dropFirst().contains(UInt8(ascii: "@")) && !$0.utf8.contains(Ascii.dollar) }
        ) {
            add(
                "DL3016", .warning,
                "Pin versions in npm. Instead of `npm install <package>` use `npm install <package>@<version>`")
        }
    }

    private mutating func checkVersions(
        _ command: ShellCommand, _ verbs: [String], _ rule: String, _ message: String, marks: String
    ) {
        guard verbs.contains(command.operands.first ?? ""), !command.has("-v", "--version") else { return }
        if command.operands.dropFirst().contains(where: { Self.isUnpinned($0, marks: marks) }) {
            add(rule, .warning, message)
        }
    }

    private mutating func checkRed(_ command: ShellCommand, yes: String, pin: String) {
        let name = command.name
        guard let verb = command.operands.first, ["install", "groupinstall", "localinstall"].contains(verb) else {
            return
        }
        if !command.hasOption("y", "--assumeyes") {
            add(
                yes, .warning, "Use the -y switch to avoid manual input `\(name) install -y <package>`",
                fix: "write \(name) install -y", edits: insertions(after: name, before: verb, " -y"))
        }
        if verb == "install", command.operands.dropFirst().contains(where: { Self.isUnpinned($0, marks: "=/-") }) {
            add(pin, .warning, "Specify version with `\(name) install -y <package>-<version>`.")
        }
    }

    private mutating func checkZypper(_ command: ShellCommand) {
        if command.has("dist-upgrade", "dup") { add("DL3035", .warning, "Do not use `zypper dist-upgrade`.") }
        guard command.has("install", "in") else { return }
        if !command.hasOption("n", "--non-interactive", "-y", "--no-confirm"), !command.hasOption("y") {
            add("DL3034", .warning, "Non-interactive switch missing from `zypper` command: `zypper install -y`")
        }
        if command.operands.dropFirst().contains(where: { Self.isUnpinned($0, marks: "=><") }) {
            add("DL3037", .warning, "Specify version with `zypper install -y <package>=<version>`.")
        }
    }

    private mutating func checkAptLists() {
        let updates = commands.contains { ($0.name == "apt-get" || $0.name == "apt") && $0.has("update") }
        guard updates, !isMounted("/var/lib/apt") else { return }
        let cleans = commands.contains { command in
            command.name == "rm"
                && command.words.contains { $0.hasPrefix("/var/lib/apt/lists") || $0 == "/var/lib/apt" }
        }
        if !cleans {
            add(
                "DL3009", .info, "Delete the apt lists (/var/lib/apt/lists) after installing something",
                fix: "end the RUN with && rm -rf /var/lib/apt/lists/*")
        }
    }

    private mutating func checkCleanups() {
        let table = [
            ("yum", ["install"], "DL3032", "`yum clean all` missing after yum command."),
            ("dnf", ["install"], "DL3040", "`dnf clean all` missing after dnf command."),
            ("zypper", ["install", "in"], "DL3036", "`zypper clean` missing after zypper use."),
            ("yarn", ["install"], "DL3060", "`yarn cache clean` missing after `yarn install` was run."),
        ]
        for (name, verbs, rule, message) in table {
            let installs = commands.contains { $0.name == name && verbs.contains($0.operands.first ?? "") }
            let cleans =
                commands.contains { $0.words.contains("clean") && $0.name == name }
                || commands.contains { $0.name == "rm" && $0.words.contains { $0.contains("/var/cache/") } }
            if installs, !cleans, !isMounted("cache") { add(rule, name == "yarn" ? .info : .warning, message) }
        }
    }

    private func isMounted(_ path: String) -> Bool { mounts.contains { $0.contains(path) } }

    /// Where `text` goes: after each `tool verb` in the lines of the instruction, or after `tool` without a verb.
    private func insertions(after tool: String, before verb: String, _ text: String) -> [TextEdit] {
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
            // Options may stand between the tool and its verb.
            for piece in Words.plain(line[end...].drop(while: \.isBlank)) {
                if piece.text.utf8.elementsEqual(verb) { return piece.offset + verb.count }
                guard piece.text.utf8.first == Ascii.dash else { return nil }
            }
            return nil
        }
    }
}
