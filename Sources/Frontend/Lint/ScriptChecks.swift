// Hadolint's rules for the commands of RUN, and for the users and tools of a stage.

extension Linter {
    mutating func checkScripts() {
        for stage in file.stages {
            checkUser(stage)
            var shell = ["/bin/sh", "-c"]
            var tools: Set<String> = []
            var lastRun: Located<Instruction>?
            for located in stage.instructions {
                if case .shell(let value) = located.value { shell = value.words }
                if case .onBuild(let trigger) = located.value, case .run(let run)? = trigger.instruction {
                    checkRun(run, located, shell, &tools, keepsLayers: true)
                }
                guard case .run(let run) = located.value else {
                    if !located.value.isMetadataBetweenRuns { lastRun = nil }
                    continue
                }
                checkConsecutive(run, located, after: lastRun)
                lastRun = located
                checkRun(run, located, shell, &tools, keepsLayers: keepsLayers(stage))
            }
        }
    }

    /// True if the stage's layers are part of an image: it is the last stage, or another is built on it.
    private func keepsLayers(_ stage: Stage) -> Bool {
        stage.index == file.stages.count - 1 || hasChild.contains(stage.index)
    }

    private mutating func checkUser(_ stage: Stage) {
        var last: (user: String, lines: ClosedRange<Int>)?
        for located in stage.instructions {
            if case .user(let user) = located.value { last = (user.user.text, located.lines) }
        }
        guard let last else { return }
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
            run.mounts.map(\.word.text) == earlier.mounts.map(\.word.text) && run.network == earlier.network
            && run.security == earlier.security
        // A RUN that already joins commands was probably grouped on purpose.
        guard isAlike, run.isSingleCommand, earlier.isSingleCommand else { return }
        report(
            "DL3059", .info, "Multiple consecutive `RUN` instructions. Consider consolidation.", located.lines,
            fix: "join them with &&")
    }

    private mutating func checkRun(
        _ run: Instruction.Run, _ located: Located<Instruction>, _ shell: [String], _ tools: inout Set<String>,
        keepsLayers: Bool
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
        for finding in script.found where keepsLayers || finding.rule != "DL3009" {
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
    /// True if two RUN lines around the instruction could still be joined.
    fileprivate var isMetadataBetweenRuns: Bool {
        if case .maintainer = self { true } else { false }
    }
}

extension Instruction.Run {
    /// True if the RUN has one command and no heredoc.
    fileprivate var isSingleCommand: Bool {
        guard heredocs.isEmpty, case .shell(let text) = command else { return heredocs.isEmpty }
        return ShellText(text).commands.count <= 1
    }
}
