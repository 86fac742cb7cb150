// The rules for RUN: the single scripts, and those that compare several.

extension Linter {
    /// Returns the script of a RUN, or of the RUN in an ONBUILD; nil for a script in another language.
    func script(of run: Instruction.Run, _ located: Located<Instruction>) -> ShellScript? {
        if case .exec(let words) = run.body { return ShellScript(exec: words, at: located.position) }
        guard let line = logicalLine(located) else { return nil }
        guard let heredoc = run.heredocs.first, run.isHeredocOnly else {
            return ShellScript(line, from: commandStart(line))
        }
        if case .script = run.body, !Self.isShellScript(heredoc.content) { return nil }
        return ShellScript(bodyText(of: heredoc, after: line.lines.upperBound))
    }

    /// Returns the lines of an instruction joined again, with positions.
    private func logicalLine(_ located: Located<Instruction>) -> LogicalLine? {
        let number = located.lines.lowerBound
        guard lineStarts.indices.contains(number - 1) else { return nil }
        var lexer = Lexer(file.source, from: lineStarts[number - 1], after: number - 1)
        lexer.escape = file.directives.escape
        guard let first = try? lexer.physicalLine() else { return nil }
        return try? lexer.logicalLine(startingWith: lexer.content(of: first))
    }

    /// Returns the offset of the command behind the keywords and flags.
    private func commandStart(_ line: LogicalLine) -> Int {
        var rest = line.bytes.trimmingBlanks()
        while let (head, after) = Words.head(rest) {
            rest = Words.flags(after).rest
            guard head.text.asciiLowercased == "onbuild" else { break }
        }
        return rest.startIndex
    }

    private func bodyText(of heredoc: Heredoc, after line: Int) -> LogicalLine {
        var number = line + 1
        var result = LogicalLine(line: number)
        for part in heredoc.body.utf8.split(separator: Ascii.newline, omittingEmptySubsequences: false) {
            let tabs = heredoc.stripsTabs ? part.prefix { $0 == Ascii.tab }.count : 0
            result.append(Array(part.dropFirst(tabs))[...], at: Position(line: number, column: tabs + 1))
            result.append([Ascii.newline], at: Position(line: number, column: part.count + 1))
            number += 1
        }
        return result
    }

    private static func isShellScript(_ text: String) -> Bool {
        let first = text.utf8.prefix { $0 != Ascii.newline }.text
        return ["sh", "bash", "ash", "dash"].contains {
            first.hasSuffix("/\($0)") || first.hasSuffix(" \($0)") || first.holds("/\($0) ")
        }
    }

    /// Checks a RUN by the state of its stage.
    mutating func checkRun(
        _ run: Instruction.Run, at located: Located<Instruction>, in state: inout StageState, isTrigger: Bool = false
    ) {
        guard let script = script(of: run, located) else { return }
        let context = RunContext(
            script: script, mounts: run.mounts.map(\.word.text), shell: state.shell, base: state.family,
            scope: state.scope, user: state.user)
        var linter = ScriptLinter(context)
        linter.check()
        for finding in linter.found
        where state.keepsLayers || isTrigger || !["DL3009", "DL3060"].contains(finding.rule) {
            if finding.rule == "OwnershipAlone", !options.facts.layers.isEmpty { continue }
            // A change of a trigger is one of the config.
            report(
                finding.rule, finding.message, located.lines, also: finding.also, fix: finding.fix,
                edits: isTrigger ? [] : finding.edits,
                proposal: isTrigger ? finding.edits + finding.proposal : finding.proposal)
        }
        checkTools(of: script.commands, lines: located.lines, in: &state)
        checkPipe(context, located)
        if !isTrigger { checkUnpacked(context, lines: located.lines, in: &state) }
        let isWhole = linter.found.contains { ["CdAlone", "ExportAlone", "UpdateAlone"].contains($0.rule) }
        guard !isTrigger else { return }
        if !isWhole { checkConsecutive(run, script: script, located: located, after: state.lastRun) }
        state.lastRun =
            isWhole ? nil : StageState.LastRun(run: run, lines: located.lines, isSingle: script.commands.count <= 1)
    }

    private mutating func checkConsecutive(
        _ run: Instruction.Run, script: ShellScript, located: Located<Instruction>, after last: StageState.LastRun?
    ) {
        guard let last, last.lines.upperBound < located.lines.lowerBound else { return }
        let earlier = last.run
        let isAlike =
            run.mounts.map(\.word.text) == earlier.mounts.map(\.word.text) && run.network == earlier.network
            && run.security == earlier.security
        // A RUN that already joins commands was probably grouped on purpose.
        let isSingle = run.heredocs.isEmpty && script.commands.count <= 1
        guard isAlike, isSingle, earlier.heredocs.isEmpty, last.isSingle else { return }
        report(
            "DL3059", "This RUN and the one above make two layers. Join them with && if they belong together",
            located.lines)
    }

    private mutating func checkTools(
        of commands: [ShellCommand], lines: ClosedRange<Int>, in state: inout StageState
    ) {
        let before = state.tools
        state.tools.formUnion(commands.map(\.name).filter { $0 == "wget" || $0 == "curl" })
        guard state.tools.count == 2, before.count < 2 else { return }
        report("DL4001", "The stage uses both wget and curl. One of them is enough", lines)
    }

    private mutating func checkPipe(_ context: RunContext, _ located: Located<Instruction>) {
        guard context.script.hasPipe, !context.isWindows, !Self.hasPipefail(context) else { return }
        let line = pipefailLine(context)
        let first = context.commands.first { $0.isPiped }?.name
        let subject = first.map { $0.isEmpty ? "a command" : $0 } ?? "a command"
        report(
            "DL4006", "If \(subject) fails here the build goes on: only the last command of a pipe counts",
            located.lines, fix: line.map { "write \($0) above" })
    }

    private func pipefailLine(_ context: RunContext) -> String? {
        if let shell = context.shell.first, context.shell != Self.defaultShell,
            ["bash", "zsh", "ash"].contains(where: { shell.hasSuffix("/\($0)") })
        {
            return "SHELL [\(shell.goQuoted), \"-o\", \"pipefail\", \"-c\"]"
        }
        return context.base.pipefailLine
    }

    static let defaultShell = ["/bin/sh", "-c"]

    private static func hasPipefail(_ context: RunContext) -> Bool {
        let (shell, commands) = (context.shell, context.commands)
        // Debian's /bin/sh refuses the option.
        let isSet = shell.first != "/bin/sh" || context.base == .ash
        if isSet, shell.contains("pipefail") || shell.contains(where: { $0.hasSuffix("o pipefail") }) { return true }
        return commands.contains { $0.name == "set" && $0.has("pipefail") }
    }

    /// Checks that a RUN doesn't unpack an archive that a COPY brought.
    private mutating func checkUnpacked(
        _ context: RunContext, lines: ClosedRange<Int>, in state: inout StageState
    ) {
        guard !state.archives.isEmpty else { return }
        for command in context.commands where command.unpacks {
            let names = Set(command.arguments.compactMap { $0.text.utf8.split(separator: Ascii.slash).last?.text })
            for (name, place) in state.archives where names.contains(name) {
                report(
                    "DL3010",
                    "COPY stores \(name) in the image, and line \(lines.lowerBound) unpacks it again. ADD unpacks it directly",
                    place)
                state.archives[name] = nil
            }
        }
    }
}

extension ShellCommand {
    /// True for a command that unpacks an archive.
    fileprivate var unpacks: Bool {
        if ["unzip", "gunzip", "bunzip2", "unxz", "unlzma", "uncompress", "zcat"].contains(name) { return true }
        guard name == "tar" || name == "bsdtar", let first = arguments.first?.text else { return false }
        let call = Invocation(self)
        let isOldStyle =
            first.utf8.first != Ascii.dash && first.utf8.allSatisfy(\.isLetter)
            && first.utf8.contains(UInt8(ascii: "x"))
        return isOldStyle || call.has("-x", "--extract", "--get")
    }
}

extension Instruction.Run {
    /// True if the script is the body of the only heredoc, and not of a command that reads it.
    var isHeredocOnly: Bool {
        guard let heredoc = heredocs.first else { return false }
        switch body {
        case .script: return true
        case .exec: return false
        case .shell(let text): return text == heredoc.content
        }
    }
}
