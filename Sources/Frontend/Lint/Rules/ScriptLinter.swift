/// The rules for the commands of one RUN.
struct ScriptLinter {
    struct ScriptFinding {
        let rule: String
        let also: [String]
        let message: String
        let fix: String?
        let edits: [TextEdit]
        let proposal: [TextEdit]
    }

    let context: RunContext
    private(set) var found: [ScriptFinding] = []

    /// True if apt-get does the same as every apt of the script.
    let hasSafeApt: Bool

    init(_ context: RunContext) {
        self.context = context
        hasSafeApt = context.commands.allSatisfy {
            $0.name != "apt" || Self.safeAptVerbs.contains(Invocation($0).verb)
        }
    }

    var script: ShellScript { context.script }
    var commands: [ShellCommand] { context.commands }

    /// Applies all rules.
    mutating func check() {
        if !context.isWindows { checkWhole() }
        for command in commands { checkCommand(command) }
        checkAptLists()
        checkCleanups()
        checkDownloads()
    }

    /// Adds a finding; a rule is reported once for each RUN, with the fixes of all places.
    mutating func add(
        _ rule: String, _ message: String, also: [String] = [], fix: String? = nil, edits: [TextEdit] = [],
        proposal: [TextEdit] = []
    ) {
        guard let place = found.firstIndex(where: { $0.rule == rule }) else {
            found.append(
                ScriptFinding(rule: rule, also: also, message: message, fix: fix, edits: edits, proposal: proposal))
            return
        }
        let first = found[place]
        guard first.edits.count + first.proposal.count < 100 else { return }
        found[place] = ScriptFinding(
            rule: rule, also: first.also, message: first.message, fix: first.fix, edits: first.edits + edits,
            proposal: first.proposal + proposal)
    }

    func has(_ rule: String) -> Bool { found.contains { $0.rule == rule } }

    private mutating func checkCommand(_ command: ShellCommand) {
        switch ToolOptions.family(command.name) {
        case "cd": checkDirectory(command)
        case "sudo":
            add(
                "DL3004",
                "sudo is of no use here: RUN is root unless USER says otherwise. Write USER root before the RUN")
        case "ssh", "vim", "shutdown", "service", "ps", "free", "top", "kill", "mount", "ifconfig":
            add("DL3001", "\(command.name) has no use while an image is built: no service or session outlives the RUN")
        case "ln": checkShellLink(command)
        case "useradd": checkUserAdd(command)
        case "wget" where !context.isWindows: checkWget(command)
        case "apt": checkAptTool(command)
        case "apt-get": checkApt(command)
        case "apk": checkApk(command)
        case "pip": checkPip(Invocation(command))
        case "python": checkPythonModule(command)
        case "pipx": checkPipx(Invocation(command))
        case "npm": checkNpm(Invocation(command))
        case "gem": checkGem(Invocation(command))
        case "go": checkGo(Invocation(command))
        case "yum": checkRPM(command, yes: "DL3030", pin: "DL3033")
        case "dnf": checkRPM(command, yes: "DL3038", pin: "DL3041")
        case "zypper": checkZypper(Invocation(command))
        default: break
        }
    }

    // MARK: single commands

    private mutating func checkDirectory(_ command: ShellCommand) {
        guard !has("CdAlone"), let word = command.arguments.first, let path = directory(word) else { return }
        let isFirst = commands.first == command && !command.isNested
        add(
            "DL3003", "cd holds for this RUN only", fix: isFirst ? "write WORKDIR \(path) above" : nil)
    }

    /// Returns the directory that a word names, or nil if only the shell knows it.
    func directory(_ word: ShellWord) -> String? {
        guard let path = context.text(of: word), path != "-", !path.isEmpty else { return nil }
        guard !word.isQuoted, path == "~" || path.hasPrefix("~/") else { return path.hasPrefix("~") ? nil : path }
        let isRoot = context.user == nil || context.user == "root" || context.user == "0"
        guard let home = context.scope.value(of: "HOME") ?? (isRoot ? "/root" : nil) else { return nil }
        return home + path.dropFirst()
    }

    private mutating func checkShellLink(_ command: ShellCommand) {
        guard
            command.words.last?.text == "/bin/sh" || command.words.dropFirst().contains(where: { $0.text == "/bin/sh" })
        else { return }
        let target = command.arguments.first { $0.text.utf8.first == Ascii.slash && $0.text != "/bin/sh" }?.text
        add(
            "DL4005", "This link replaces /bin/sh for every program of the image. SHELL sets the shell of RUN only",
            fix: "write SHELL [\((target ?? "/bin/bash").goQuoted), \"-c\"]")
    }

    private mutating func checkUserAdd(_ command: ShellCommand) {
        let call = Invocation(command)
        guard let option = call.options.last(where: { $0.name == "-u" || $0.name == "--uid" }), let word = option.value,
            let uid = context.text(of: word), uid.utf8.count > 5, uid.utf8.allSatisfy(\.isDigit),
            !call.has("-l", "--no-log-init"), let program = command.words.first
        else { return }
        add(
            "DL3046", "A UID this high makes useradd write a huge lastlog file. Add -l",
            proposal: [script.inserting(" -l", after: program)].compactMap(\.self))
    }

    private mutating func checkWget(_ command: ShellCommand) {
        let call = Invocation(command)
        let isQuiet =
            call.has("-q", "--quiet", "--no-verbose", "--progress", "-o", "--output-file", "-a", "--append-output")
            || command.words.contains { $0.text.hasPrefix("-nv") }
        guard !isQuiet, let program = command.words.first else { return }
        add(
            "DL3047",
            "wget prints a progress bar of thousands of lines into the build's log. Add --progress=dot:giga or -q",
            proposal: [script.inserting(" --progress=dot:giga", after: program)].compactMap(\.self))
    }

    // MARK: whole scripts

    /// Checks RUN lines that consist of one kind of command.
    private mutating func checkWhole() {
        let top = commands.filter { !$0.isNested }
        guard let first = top.first, context.mounts.isEmpty else { return }
        func all(_ passes: (ShellCommand) -> Bool) -> Bool { top.allSatisfy(passes) }
        if all({ $0.name == "cd" }) {
            let path = top.last?.arguments.first.flatMap(directory)
            let cure = path.map { "Write WORKDIR \($0)" } ?? "Use WORKDIR"
            add(
                "CdAlone", "This cd is forgotten after the RUN. \(cure)", also: ["DL3003"],
                fix: path.map { "WORKDIR \($0)" })
        } else if all({ $0.name == "export" || $0.words.isEmpty }) {
            let words = first.assignments + first.arguments.filter { $0.text.utf8.first != Ascii.dash }
            let plain = words.compactMap { word in word.isDynamic ? nil : Variable(word.text) }
            let line = "ENV " + plain.map { "\($0.name)=\(Self.quoted($0.value))" }.joined(separator: " ")
            let cure = plain.isEmpty ? "Use ENV" : "Write \(line)"
            add("ExportAlone", "export ends with this RUN. \(cure)", fix: plain.isEmpty ? nil : line)
        } else if all({ $0.name == "rm" || $0.name == "rmdir" }) {
            add(
                "RemoveAlone",
                "This rm frees no bytes: the files stay in the layer below. Delete them in the RUN that makes them")
        } else if all({ ["chown", "chmod", "chgrp"].contains($0.name) }), top.contains(where: Self.isRecursive) {
            let flag = top.contains { $0.name == "chmod" } ? "--chmod" : "--chown"
            add(
                "OwnershipAlone",
                "This \(first.name) stores every file again in a new layer. Use COPY \(flag), or do it in the RUN that makes them"
            )
        } else if all({ ["apt-get", "apt"].contains($0.name) && Invocation($0).verb == "update" }) {
            add(
                "UpdateAlone",
                "This index is cached: a later install uses an old one and fails. Write apt-get update && apt-get install in one RUN"
            )
        }
    }

    private static func isRecursive(_ command: ShellCommand) -> Bool { Invocation(command).has("-R", "--recursive") }

    private static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && value.utf8.allSatisfy { $0.isNameByte || "-./:,+@%=".utf8.contains($0) }
        return isPlain ? value : value.goQuoted
    }

    // MARK: downloads

    private static let shells: Set<String> = ["sh", "bash", "ash", "dash", "zsh", "ksh"]
    private static let interpreters: Set<String> = ["python", "perl", "node", "ruby", "php"]

    private mutating func checkDownloads() {
        guard !context.isWindows else { return }
        func isDownload(_ command: ShellCommand) -> Bool { ["curl", "wget"].contains(command.name) }
        for (index, command) in commands.enumerated() {
            let program = command.name == "sudo" ? command.arguments.first?.text ?? "" : command.name
            let isShell = Self.shells.contains(program)
            guard isShell || Self.interpreters.contains(ToolOptions.family(program)) else { continue }
            let piped = command.readsPipe && commands[..<index].last { !$0.isNested }.map(isDownload) == true
            let inner = isShell && command.words.contains { $0.text.holds("$(curl") || $0.text.holds("$(wget") }
            guard piped || inner else { continue }
            let source = commands[...index].last(where: isDownload)?.name ?? "curl"
            add(
                "PipeToShell",
                "\(program) runs whatever the server of \(source) sends. Save the file, compare its sha256sum, then run it"
            )
            return
        }
    }
}
