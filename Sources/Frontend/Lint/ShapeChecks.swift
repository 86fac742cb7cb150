// Checks of the form of single instructions, without the values of variables.

extension Linter {
    mutating func checkShapes() {
        var hasShell: [Bool] = []
        for stage in file.stages {
            checkBase(stage)
            checkRepeats(stage)
            var shellIsSet = baseIndex[stage.index].map { hasShell[$0] } ?? false
            for located in stage.instructions {
                if case .shell = located.value { shellIsSet = true }
                checkShape(located, in: stage, shellIsSet: shellIsSet)
            }
            hasShell.append(shellIsSet)
        }
    }

    /// Returns the base stages of a stage, nearest first.
    func baseStages(of stage: Stage) -> [Stage] {
        Array(sequence(first: stage) { current in baseIndex[current.index].map { file.stages[$0] } }.dropFirst())
    }

    private mutating func checkBase(_ stage: Stage) {
        guard let platform = stage.platform else { return }
        let lines = stage.from.lines
        if ["$TARGETPLATFORM", "${TARGETPLATFORM}"].contains(platform.text) {
            report(
                "RedundantTargetPlatform", .warning,
                "Setting platform to predefined \(platform.text) in FROM is redundant as this is the default behavior",
                lines, fix: "remove the flag", edits: removal(of: platform))
        } else if !platform.text.utf8.contains(Ascii.dollar) {
            let parts = platform.text.utf8.split(separator: Ascii.slash).map(\.text)
            let isNamed = stage.name.map { name in parts.contains { name.holds($0) } } ?? false
            if !isNamed {
                report(
                    "FromPlatformFlagConstDisallowed", .warning,
                    "FROM --platform flag should not use constant value \(platform.text.goQuoted)", lines)
            }
            report("DL3029", .warning, "Do not use --platform flag with FROM", lines)
        }
    }

    private func removal(of platform: Word) -> [TextEdit] {
        let start = platform.position.column - "--platform=".utf8.count
        guard start > 0 else { return [] }
        let columns = start..<platform.position.column + platform.text.utf8.count + 1
        return [TextEdit(line: platform.position.line, columns: columns, replacement: "")]
    }

    private mutating func checkRepeats(_ stage: Stage) {
        var last: [String: ClosedRange<Int>] = [:]
        for located in stage.instructions {
            let keyword = located.value.keyword
            guard ["CMD", "ENTRYPOINT", "HEALTHCHECK"].contains(keyword) else { continue }
            if let earlier = last[keyword] {
                let reason = "in the same stage because only the last one will be used"
                report(
                    "MultipleInstructionsDisallowed", .warning,
                    "Multiple \(keyword) instructions should not be used \(reason)", earlier,
                    fix: "remove all but the last")
                reportHadolintRepeat(keyword, located.lines)
            }
            last[keyword] = located.lines
        }
    }

    private mutating func reportHadolintRepeat(_ keyword: String, _ lines: ClosedRange<Int>) {
        switch keyword {
        case "CMD": report("DL4003", .warning, "Multiple `CMD` instructions found; only the last takes effect", lines)
        case "ENTRYPOINT":
            report("DL4004", .error, "Multiple `ENTRYPOINT` instructions found; only the last takes effect", lines)
        default: report("DL3012", .error, "Multiple `HEALTHCHECK` instructions", lines)
        }
    }

    private mutating func checkShape(_ located: Located<Instruction>, in stage: Stage, shellIsSet: Bool) {
        let lines = located.lines
        switch located.value {
        case .arg(let arg):
            checkSecrets(arg, lines)
        case .env(let env):
            for pair in env.pairs { checkSecret("ENV", pair.key.text, lines) }
            checkLegacy(env.pairs, located)
            checkSelfReference(env.pairs, lines)
        case .label(let label): checkLegacy(label.pairs, located)
        case .cmd(let command), .entrypoint(let command): checkJSON(command, located, shellIsSet)
        case .maintainer(let maintainer): checkMaintainer(maintainer, located)
        case .expose(let expose): for port in expose.ports { checkPort(port, lines) }
        case .onBuild(let trigger): checkTrigger(trigger, lines)
        case .copy(let copy): checkDestination(copy.transfer, lines)
        case .add(let add):
            checkDestination(add.transfer, lines)
            checkAdd(add, located)
        default: break
        }
    }

    private mutating func checkLegacy(_ pairs: [Instruction.Pair], _ located: Located<Instruction>) {
        guard let pair = pairs.first, pair.isLegacy else { return }
        let keyword = located.value.keyword
        report(
            "LegacyKeyValueFormat", .warning,
            "\"\(keyword) key=value\" should be used instead of legacy \"\(keyword) key value\" format",
            located.lines, fix: "write \(keyword) \(pair.key.text)=...", edits: modernisation(of: pair, located.lines))
    }

    /// Returns the edit to `key=value`; only a value on one line, without quotes and escapes, is safe to rewrite.
    private func modernisation(of pair: Instruction.Pair, _ lines: ClosedRange<Int>) -> [TextEdit] {
        let (key, value) = (pair.key, pair.value)
        let isPlain = !value.text.utf8.contains {
            $0 == Ascii.quote || $0 == Ascii.apostrophe || $0 == Ascii.backslash || $0 == Ascii.backtick
        }
        guard lines.count == 1, isPlain, value.position.line == key.position.line else { return [] }
        let text = value.text.utf8.contains(where: \.isBlank) ? "\"\(value.text)\"" : value.text
        let start = key.position.column + key.text.utf8.count
        let end = value.position.column + value.text.utf8.count
        guard start <= end else { return [] }
        return [TextEdit(line: key.position.line, columns: start..<end, replacement: "=\(text)")]
    }

    private mutating func checkSelfReference(_ pairs: [Instruction.Pair], _ lines: ClosedRange<Int>) {
        guard pairs.count <= 200 else { return }
        for pair in pairs {
            let others = pairs.filter { $0 != pair }
            let used = others.contains { other in
                ["$\(pair.key.text)", "${\(pair.key.text)}"].contains { Self.mentions(other.value.text, $0) }
            }
            guard used else { continue }
            report(
                "DL3044", .error, "Do not refer to an environment variable within the same `ENV` statement", lines,
                fix: "define \(pair.key.text) in an ENV of its own")
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

    private mutating func checkJSON(_ command: CommandLine, _ located: Located<Instruction>, _ shellIsSet: Bool) {
        guard case .shell(let text) = command else { return }
        let keyword = located.value.keyword
        let edits = execForm(text, located)
        if !shellIsSet {
            let reason = "to prevent unintended behavior related to OS signals"
            report(
                "JSONArgsRecommended", .warning, "JSON arguments recommended for \(keyword) \(reason)",
                located.lines, fix: "write \(keyword) as a JSON array", edits: edits)
        }
        report(
            "DL3025", .warning, "Use arguments JSON notation for CMD and ENTRYPOINT arguments", located.lines,
            fix: "write \(keyword) as a JSON array", edits: edits)
    }

    /// Returns the edit to a JSON array; only a command without shell syntax can be split at its blanks.
    private func execForm(_ text: String, _ located: Located<Instruction>) -> [TextEdit] {
        let isPlain = text.utf8.allSatisfy { $0.isNameByte || "-./:,=+@% ".utf8.contains($0) }
        guard isPlain, !text.isEmpty, located.lines.count == 1 else { return [] }
        let words = text.utf8.split(whereSeparator: \.isBlank).map(\.text)
        guard let first = words.first, !first.utf8.contains(Ascii.equals), !ShellText.builtins.contains(first) else {
            return []
        }
        let offset = located.text.utf8.count - located.text.utf8.drop { !$0.isBlank }.drop(while: \.isBlank).count
        let start = located.position.column + offset
        let columns = start..<start + text.utf8.count
        let list = "[" + words.map(\.goQuoted).joined(separator: ", ") + "]"
        return [TextEdit(line: located.position.line, columns: columns, replacement: list)]
    }

    private mutating func checkMaintainer(_ value: Instruction.Maintainer, _ located: Located<Instruction>) {
        let label = "LABEL org.opencontainers.image.authors=\(value.name.goQuoted)"
        let isPlain = located.lines.count == 1 && !value.name.utf8.contains { "\"\\$".utf8.contains($0) }
        let edit = TextEdit(line: located.lines.lowerBound, columns: nil, replacement: label)
        let message = "Maintainer instruction is deprecated in favor of using label"
        report(
            "MaintainerDeprecated", .warning, message, located.lines, fix: label, edits: isPlain ? [edit] : [])
        report("DL4000", .error, "MAINTAINER is deprecated", located.lines, fix: label, edits: isPlain ? [edit] : [])
    }

    private mutating func checkPort(_ port: Word, _ lines: ClosedRange<Int>) {
        let (address, transport) = port.text.cut(Ascii.slash) ?? (port.text, "")
        if transport != transport.asciiLowercased {
            report(
                "ExposeProtoCasing", .warning, "Defined protocol '\(port.text)' in EXPOSE should be lowercase", lines,
                fix: "write \(transport.asciiLowercased)",
                edits: [.replacing(port, with: "\(address)/\(transport.asciiLowercased)")])
        }
        if address.utf8.contains(Ascii.colon) {
            let rule = "EXPOSE instruction should not define an IP address or host-port mapping"
            report("ExposeInvalidFormat", .warning, "\(rule), found '\(port.text)'", lines)
        }
    }

    private mutating func checkTrigger(_ trigger: Instruction.OnBuild, _ lines: ClosedRange<Int>) {
        guard let problem = trigger.problem else { return }
        report("TriggerInvalid", .error, "every image built on this one will fail: \(problem.message)", lines)
    }

    private mutating func checkDestination(_ transfer: Instruction.Transfer, _ lines: ClosedRange<Int>) {
        let target = transfer.destination.text
        let isDirectory =
            [Ascii.slash, Ascii.dot].contains(target.utf8.last ?? 0) || target.utf8.contains(Ascii.dollar)
        guard transfer.sources.count + transfer.heredocs.count > 1, !isDirectory else { return }
        report(
            "DL3021", .error, "`COPY` with more than 2 arguments requires the last argument to end with `/`", lines,
            fix: "write \(target)/ (in BuildKit the last source silently wins)",
            edits: transfer.destination.mayExpand ? [] : [.replacing(transfer.destination, with: "\(target)/")])
    }

    private mutating func checkAdd(_ add: Instruction.Add, _ located: Located<Instruction>) {
        let needsAdd = add.transfer.sources.contains { source in
            let text = source.text.asciiLowercased
            return text.holds("://") || text.utf8.starts(with: "git@".utf8) || text.utf8.contains(Ascii.dollar)
                || Self.archives.contains { text.hasSuffix($0) } || PathPattern.hasWildcards(text.utf8)
        }
        guard !needsAdd, add.checksum == nil, add.unpack == nil else { return }
        let keyword = located.keyword
        report(
            "DL3020", .error, "Use COPY instead of ADD for files and folders", located.lines, fix: "write COPY",
            edits: [.replacing(keyword, with: keyword.text == "add" ? "copy" : "COPY")])
    }

    private static let archives = [".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".txz", ".tbz2", ".tzst", ".lzma"]
}

extension UInt8 {
    /// A letter, digit or underscore.
    var isNameByte: Bool { isLetter || isDigit || self == UInt8(ascii: "_") }
}
