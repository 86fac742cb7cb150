// Checks of WORKDIR, COPY and ADD, and of the stages that they use.

extension Linter {
    mutating func checkWorkdir(_ workdir: Instruction.Workdir, lines: ClosedRange<Int>, in state: inout StageState) {
        guard let path = try? state.scope.expand(workdir.path) else { return }
        defer { state.hasWorkdir = true }
        guard !Self.isAbsolute(path), !path.isEmpty else { return }
        let isPlain = !path.utf8.contains(Ascii.dollar) && !workdir.path.text.utf8.contains(Ascii.dollar)
        guard !state.hasWorkdir else {
            if isPlain {
                report("DL3000", "WORKDIR \(path) depends on the WORKDIR above. Write the absolute path", lines)
            }
            return
        }
        let root = root(of: state.stage)
        let base = options.facts.bases[root.index]?.workingDirectory ?? (root.base.text == "scratch" ? "/" : nil)
        let place = base.map { PathText.join($0.isEmpty ? "/" : $0, path) }
        report(
            "WorkdirRelativePath", "WORKDIR \(path) is below the directory of the base image, which may change", lines,
            also: isPlain ? ["DL3000"] : [], fix: place.map { "write WORKDIR \($0)" } ?? "write the absolute path")
    }

    /// True for an absolute path of Linux or Windows.
    static func isAbsolute(_ path: String) -> Bool {
        let bytes = Array(path.utf8.prefix(2))
        guard let first = bytes.first else { return false }
        return first == Ascii.slash || first == Ascii.backslash
            || (first.isLetter && bytes.count == 2 && bytes[1] == Ascii.colon)
    }

    mutating func checkIgnored(
        _ transfer: Instruction.Transfer?, keyword: String, lines: ClosedRange<Int>, scope: Scope
    ) {
        guard let transfer, let rules = options.facts.ignoreRules, !rules.hasNegations else { return }
        for source in transfer.sources {
            guard let path = try? scope.expand(source), !path.holds("://"), !PathPattern.hasWildcards(path.utf8)
            else {
                continue
            }
            let inside = PathText.clean("/\(path)").utf8.dropFirst().text
            guard let rule = rules.decidingRule(for: (inside.isEmpty ? "." : inside).utf8) else { continue }
            report(
                "CopyIgnoredFile", "Attempting to \(keyword) file \(path.goQuoted) that is excluded by .dockerignore",
                lines, fix: "change line \(rule.line) of .dockerignore, \(rule.pattern.goQuoted)")
        }
    }

    mutating func checkRelative(_ transfer: Instruction.Transfer, lines: ClosedRange<Int>, in state: StageState) {
        let target = transfer.destination.unquoted
        let base = options.facts.bases[root(of: state.stage).index]?.workingDirectory
        let isRelative = !Self.isAbsolute(target) && target.utf8.first != Ascii.dollar
        guard isRelative, !state.hasWorkdir, base == nil || base == "" || base == "/" else { return }
        report(
            "DL3045",
            "COPY to \(target) goes where the base image's WORKDIR is. Write WORKDIR above, or an absolute path", lines)
    }

    mutating func checkCopySource(_ copy: Instruction.Copy, lines: ClosedRange<Int>, of stage: Stage) {
        guard let from = copy.from?.text.asciiLowercased else { return }
        // A copy of the stage itself is a StageReference.
        guard from != stage.name else { return }
        let isIndex = Int(from).map { $0 < stage.index } ?? false
        let isKnown = isIndex || isStage(from, before: stage)
        if copy.transfer.sources.map(\.unquoted) == ["/"], copy.transfer.destination.unquoted == "/" {
            report(
                "DL3067",
                "This copies the whole file system of \(from). Copy what the program needs, or write FROM \(from)",
                lines)
        }
        guard !isKnown, !from.utf8.allSatisfy(\.isDigit), !from.utf8.contains(Ascii.colon),
            !from.utf8.contains(UInt8(ascii: "@")), from != "scratch"
        else { return }
        let names = file.stages[..<stage.index].suffix(1000).compactMap(\.name)
        let ending = Suggestion.ending(for: from, in: names)
        let shown = copy.from?.text ?? from
        report(
            "DL3022", "COPY --from=\(shown) takes the newest \(shown) at each build. Add a tag or digest\(ending)",
            lines)
    }

    func isArchive(_ name: String) -> Bool {
        Self.archives.contains { name.asciiLowercased.hasSuffix($0) }
    }

    private static let archives = [
        ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".txz", ".tbz2", ".tbz", ".tlz", ".tpz", ".tz", ".tzst", ".lzma",
        ".lz", ".z",
    ]

    mutating func noteArchives(of transfer: Instruction.Transfer, lines: ClosedRange<Int>, in state: inout StageState) {
        let target = transfer.destination.unquoted
        for source in transfer.sources.map(\.unquoted) where isArchive(source) {
            let path = isArchive(target) ? target : source
            guard let name = path.utf8.split(separator: Ascii.slash).last?.text else { continue }
            state.archives[name] = lines
        }
    }

    // MARK: stages

    /// Checks that the last stage needs the others.
    mutating func checkUses() {
        if file.stages.count > 1, let global = try? GlobalScope(file, options.arguments),
            let graph = try? StageGraph(file, global), let needed = try? graph.reachable(from: file.stages.count - 1)
        {
            let used = Set(needed)
            for stage in file.stages where !used.contains(stage.index) {
                // A stage that another unused stage is built on is reported with that one.
                guard !hasChild.contains(stage.index) else { continue }
                report(
                    "UnusedStage",
                    "The image doesn't need stage \(stage.label): only --target \(stage.label) builds it. Remove it if nothing does",
                    stage.from.lines)
            }
        }
        checkPragmas()
        guard let last = file.stages.last else { return }
        let chain = [last] + baseStages(of: last)
        let hasCheck = chain.contains {
            $0.instructions.contains { if case .healthcheck = $0.value { true } else { false } }
        }
        if !hasCheck { report("DL3057", "The image has no HEALTHCHECK", last.from.lines) }
    }

    private mutating func checkPragmas() {
        guard options.configuration.severities["DL1001"] != nil else { return }
        for comment in file.comments where comment.text.holds("hadolint") && comment.text.holds("ignore") {
            report("DL1001", "This comment ignores rules", comment.line...comment.line)
        }
    }
}

extension Word {
    /// The text without quotes around it.
    var unquoted: String {
        let bytes = Array(text.utf8)
        guard bytes.count > 1, let quote = bytes.first, quote == Ascii.quote || quote == Ascii.apostrophe,
            bytes.last == quote
        else { return text }
        return bytes[1..<bytes.count - 1].text
    }
}
