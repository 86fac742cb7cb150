// Checks of the form of single instructions, without the values of variables.

extension Linter {
    mutating func checkShapes() {
        for stage in file.stages { checkRepeats(stage) }
    }

    /// Returns the base stages of a stage, nearest first.
    func baseStages(of stage: Stage) -> [Stage] {
        Array(sequence(first: stage) { current in baseIndex[current.index].map { file.stages[$0] } }.dropFirst())
    }

    private mutating func checkRepeats(_ stage: Stage) {
        let numbers = ["CMD": "DL4003", "ENTRYPOINT": "DL4004", "HEALTHCHECK": "DL3012"]
        var last: [String: ClosedRange<Int>] = [:]
        for located in stage.instructions {
            let keyword = located.value.keyword
            guard let number = numbers[keyword] else { continue }
            if let earlier = last[keyword], !isIgnored(number, at: located.lines.lowerBound) {
                report(
                    "MultipleInstructionsDisallowed",
                    "The \(keyword) on line \(located.lines.lowerBound) replaces this one. Remove it", earlier,
                    also: [number])
            }
            last[keyword] = located.lines
        }
    }

    mutating func checkShape(_ located: Located<Instruction>, in state: StageState) {
        let lines = located.lines
        switch located.value {
        case .arg(let arg):
            for declaration in arg.declarations {
                checkSecret(keyword: "ARG", name: declaration.name.text, lines: lines)
            }
        case .env(let env):
            for pair in env.pairs { checkSecret(keyword: "ENV", name: pair.key.text, lines: lines) }
            checkLegacy(env.pairs, located)
            checkSelfReference(of: env.pairs, lines: lines, in: state)
        case .label(let label): checkLegacy(label.pairs, located)
        case .cmd(let command), .entrypoint(let command): checkJSON(command, at: located, in: state)
        case .maintainer(let maintainer): checkMaintainer(maintainer, located)
        case .expose(let expose): for port in expose.ports { checkPort(port, lines) }
        case .onBuild(let trigger): checkTrigger(trigger, lines)
        case .healthcheck(let check):
            if case .shell? = check.command {
                report(
                    "DL3025", "HEALTHCHECK runs its command under sh. Write HEALTHCHECK CMD with a JSON array", lines)
            }
        case .user(let user): checkNumber(user.user, lines)
        case .copy(let copy): checkDestination(copy.transfer, lines)
        case .add(let add):
            checkDestination(add.transfer, lines)
            checkAdd(add, located)
        default: break
        }
    }

    private mutating func checkNumber(_ word: Word, _ lines: ClosedRange<Int>) {
        let name = word.unquoted.cut(Ascii.colon)?.before ?? word.unquoted
        guard !name.isEmpty, !name.utf8.allSatisfy(\.isDigit), !name.utf8.contains(Ascii.dollar), name != "root" else {
            return
        }
        report("DL3066", "A host can't tell whether user \(name) is root. Write its number", lines)
    }

    private mutating func checkLegacy(_ pairs: [Instruction.Pair], _ located: Located<Instruction>) {
        guard let pair = pairs.first, pair.isLegacy else { return }
        let keyword = located.value.keyword
        let edits = modernisation(of: pair, located.lines)
        report(
            "LegacyKeyValueFormat",
            "\"\(keyword) key=value\" should be used instead of legacy \"\(keyword) key value\" format",
            located.lines, fix: edits.isEmpty ? "quote the value: \(keyword) \(pair.key.text)=\"VALUE\"" : nil,
            edits: edits)
    }

    /// Returns the edit to `key=value`; only a value on one line, without quotes and escapes, is safe to rewrite.
    private func modernisation(of pair: Instruction.Pair, _ lines: ClosedRange<Int>) -> [TextEdit] {
        let (key, value) = (pair.key, pair.value)
        let isPlain = !value.text.utf8.contains {
            $0 == Ascii.quote || $0 == Ascii.apostrophe || $0 == Ascii.backslash || $0 == Ascii.backtick
        }
        guard lines.count == 1, isPlain, !key.mayExpand, value.position.line == key.position.line else { return [] }
        let text = value.text.utf8.contains(where: \.isBlank) ? "\"\(value.text)\"" : value.text
        let start = key.position.column + key.text.utf8.count
        let end = value.position.column + value.text.utf8.count
        guard start <= end else { return [] }
        return [TextEdit(line: key.position.line, columns: start..<end, replacement: "=\(text)")]
    }

    private mutating func checkSelfReference(
        of pairs: [Instruction.Pair], lines: ClosedRange<Int>, in state: StageState
    ) {
        guard pairs.count <= 200 else { return }
        for pair in pairs
        where state.scope.value(of: pair.key.text) == nil && !state.declared.contains(pair.key.text) {
            let others = pairs.filter { $0 != pair }
            let used = others.contains { other in
                ["$\(pair.key.text)", "${\(pair.key.text)}"].contains { Self.mentions(other.value.text, $0) }
            }
            guard used else { continue }
            report(
                "DL3044",
                "$\(pair.key.text) is not set before this line, so it is empty here. Define \(pair.key.text) in an ENV of its own",
                lines)
            return
        }
    }

    /// True if `text` contains `name` without a letter, digit or underscore after it.
    private static func mentions(_ text: String, _ name: String) -> Bool {
        let (bytes, wanted) = (Array(text.utf8), Array(name.utf8))
        guard bytes.count >= wanted.count else { return false }
        return (0...(bytes.count - wanted.count)).contains { start in
            guard bytes[start..<start + wanted.count].elementsEqual(wanted) else { return false }
            let end = start + wanted.count
            return wanted.last == Ascii.closeBrace || end == bytes.count || !bytes[end].isNameByte
        }
    }

    private mutating func checkJSON(_ command: CommandLine, at located: Located<Instruction>, in state: StageState) {
        guard case .shell(let text) = command else { return }
        let keyword = located.value.keyword
        let program = state.shell.first?.utf8.split(separator: Ascii.slash).last?.text ?? "sh"
        let list = execForm(text, located)
        let form = text.utf8.first == Ascii.openBracket ? "with double quotes, as a JSON array" : "as a JSON array"
        let cure = list.map { "Write \(keyword) \($0.replacement)" } ?? "Write \(keyword) \(form)"
        let message = "\(keyword) runs under \(program), so stop never reaches your program and waits 10 s. \(cure)"
        let proposal = [list].compactMap(\.self)
        // BuildKit takes a SHELL line for intention.
        if state.shellIsSet {
            report("DL3025", message, located.lines, proposal: proposal)
        } else {
            report("JSONArgsRecommended", message, located.lines, also: ["DL3025"], proposal: proposal)
        }
    }

    /// Returns the edit to a JSON array; only a command without shell syntax can be split at its blanks.
    private func execForm(_ text: String, _ located: Located<Instruction>) -> TextEdit? {
        let isPlain = text.utf8.allSatisfy { $0.isNameByte || "-./:,=+@% ".utf8.contains($0) }
        guard isPlain, !text.isEmpty, located.lines.count == 1 else { return nil }
        let words = text.utf8.split(whereSeparator: \.isBlank).map(\.text)
        guard let first = words.first, !first.utf8.contains(Ascii.equals), !Self.builtins.contains(first) else {
            return nil
        }
        let offset = located.text.utf8.count - located.text.utf8.drop { !$0.isBlank }.drop(while: \.isBlank).count
        let start = located.position.column + offset
        let columns = start..<start + text.utf8.count
        let list = "[" + words.map(\.goQuoted).joined(separator: ", ") + "]"
        return TextEdit(line: located.position.line, columns: columns, replacement: list)
    }

    /// The words that only a shell can run.
    private static let builtins: Set<String> = [
        "cd", "exec", "export", "set", "source", "eval", "if", "for", "while", "test", "ulimit", "umask", "exit", ".",
    ]

    private mutating func checkMaintainer(_ value: Instruction.Maintainer, _ located: Located<Instruction>) {
        let label = "LABEL org.opencontainers.image.authors=\(value.name.goQuoted)"
        let isPlain = located.lines.count == 1 && !value.name.utf8.contains { "\"\\$".utf8.contains($0) }
        let edit = TextEdit(line: located.lines.lowerBound, columns: nil, replacement: label)
        report(
            "MaintainerDeprecated", "MAINTAINER is deprecated. Write \(label)", located.lines, also: ["DL4000"],
            fix: isPlain ? nil : label, proposal: isPlain ? [edit] : [])
    }

    private mutating func checkPort(_ port: Word, _ lines: ClosedRange<Int>) {
        let (address, transport) = port.text.cut(Ascii.slash) ?? (port.text, "")
        if transport != transport.asciiLowercased {
            report(
                "ExposeProtoCasing", "Defined protocol '\(port.text)' in EXPOSE should be lowercase", lines,
                edits: port.mayExpand ? [] : [.replacing(port, with: "\(address)/\(transport.asciiLowercased)")])
        }
        if address.utf8.contains(Ascii.colon) {
            let rule = "EXPOSE instruction should not define an IP address or host-port mapping"
            report("ExposeInvalidFormat", "\(rule), found '\(port.text)'", lines)
        }
    }

    mutating func checkPorts(_ expose: Instruction.Expose, lines: ClosedRange<Int>, in state: StageState) {
        guard (try? state.scope.ports(expose)) == nil else { return }
        for port in expose.ports {
            guard let text = try? state.scope.expand(port) else { continue }
            let numbers = text.utf8.split { !$0.isDigit }.compactMap { Int($0.text) }
            if numbers.contains(where: { $0 > 65_535 }) {
                report("DL3011", "Port \(text) does not exist: ports end at 65535", lines)
            }
        }
    }

    private mutating func checkTrigger(_ trigger: Instruction.OnBuild, _ lines: ClosedRange<Int>) {
        guard let problem = trigger.problem else { return }
        let words = trigger.trigger.utf8.split(whereSeparator: \.isBlank)
        let isForbidden =
            words.first.map { ["ONBUILD", "FROM", "MAINTAINER"].contains($0.text.asciiUppercased) } ?? false
        report(
            "TriggerInvalid", "every image built on this one will fail: \(problem.message)", lines,
            also: isForbidden ? ["DL3043"] : [])
    }

    private mutating func checkDestination(_ transfer: Instruction.Transfer, _ lines: ClosedRange<Int>) {
        let target = transfer.destination.unquoted
        let isDirectory =
            [Ascii.slash, Ascii.dot].contains(target.utf8.last ?? 0) || target.utf8.contains(Ascii.dollar)
        guard transfer.sources.count + transfer.heredocs.count > 1, !isDirectory else { return }
        report(
            "DL3021", "Several sources become one file: \(target) gets only the last. Write \(target)/", lines,
            proposal: transfer.destination.mayExpand ? [] : [.replacing(transfer.destination, with: "\(target)/")])
    }

    private mutating func checkAdd(_ add: Instruction.Add, _ located: Located<Instruction>) {
        let sources = add.transfer.sources.map(\.unquoted)
        let addresses = sources.filter { $0.holds("://") }
        if let first = addresses.first, add.checksum == nil, first.hasPrefix("http"), !Self.isRepository(first) {
            report(
                "UnverifiedDownload", "ADD takes what the server sends at each build. Add --checksum=sha256:DIGEST",
                located.lines)
        }
        let needsAdd = sources.contains { source in
            let text = source.asciiLowercased
            return text.holds("://") || text.utf8.starts(with: "git@".utf8) || text.utf8.contains(Ascii.dollar)
                || isArchive(text)
        }
        guard !needsAdd, add.checksum == nil, add.unpack == nil, add.transfer.heredocs.isEmpty else { return }
        let keyword = located.keyword
        report(
            "DL3020", "ADD unpacks archives and loads addresses; for files COPY is enough", located.lines,
            proposal: [.replacing(keyword, with: keyword.text == "add" ? "copy" : "COPY")])
    }

    /// True for the address of a git repository, whose commit is its checksum.
    private static func isRepository(_ text: String) -> Bool {
        let path = text.cut(Ascii.hash)?.before ?? text
        return path.hasSuffix(".git") || path.holds(".git?")
    }
}

extension UInt8 {
    /// A letter, digit or underscore.
    var isNameByte: Bool { isLetter || isDigit || self == UInt8(ascii: "_") }
}
