/// A finding of ShellCheck in a script of ``Lint/scripts(_:)``.
public struct ShellFinding: Sendable {
    /// The index of the script.
    public let script: Int
    /// The number of the rule, such as 2086.
    public let code: Int
    public let severity: LintSeverity
    public let message: String
    /// The line of the script and the column, from 1; the column counts characters, with tabs as 1.
    public let line: Int
    public let column: Int

    public init(script: Int, code: Int, severity: LintSeverity, message: String, line: Int, column: Int) {
        (self.script, self.code, self.severity) = (script, code, severity)
        (self.message, self.line, self.column) = (message, line, column)
    }
}

/// The script of one RUN for ShellCheck.
public struct LintScript: Sendable {
    /// The text, in one line for a RUN that isn't a heredoc.
    public let text: String
    /// The shell's dialect: `sh`, `bash`, `dash` or `ksh`.
    public let dialect: String
    /// The variables that the Dockerfile sets before the script.
    public let variables: [String]
    /// The lines of the instruction.
    let lines: ClosedRange<Int>
    let source: LogicalLine
    let start: Int

    /// Returns the position in the Dockerfile of a line and column of the text.
    func position(line: Int, column: Int) -> Position {
        var offset = start
        for _ in 1..<max(1, line) {
            guard let end = source.bytes[offset...].firstIndex(of: Ascii.newline) else { break }
            offset = end + 1
        }
        var characters = max(1, column) - 1
        while characters > 0, offset < source.bytes.count {
            offset += 1
            if offset == source.bytes.count || !source.bytes[offset].isContinuation { characters -= 1 }
        }
        return source.position(at: min(offset, max(start, source.bytes.count - 1)))
    }
}

extension Lint {
    /// The limits for scripts that another program reads.
    private static let mostScripts = 500
    private static let longestScript = 65_536

    /// Returns the scripts of RUN lines in shell form whose shell ShellCheck knows.
    public static func scripts(_ dockerfile: Dockerfile, _ options: Options) -> [LintScript] {
        Linter(dockerfile, options).scripts(most: mostScripts, longest: longestScript)
    }
}

extension Linter {
    func scripts(most: Int, longest: Int) -> [LintScript] {
        var result: [LintScript] = []
        var shells: [[String]] = []
        var names: [Set<String>] = []
        for stage in file.stages {
            let base = baseIndex[stage.index]
            var shell = base.map { shells[$0] } ?? Self.defaultShell
            var variables = base.map { names[$0] } ?? []
            for located in stage.instructions {
                switch located.value {
                case .shell(let value): shell = value.words
                case .arg(let arg): variables.formUnion(arg.declarations.map(\.name.text))
                case .env(let env): variables.formUnion(env.pairs.map(\.key.text))
                case .run(let run):
                    guard result.count < most, let dialect = Self.dialect(shell, run),
                        let script = script(of: run, located), !script.isExec, script.range.count <= longest
                    else { continue }
                    result.append(
                        LintScript(
                            text: script.text.bytes[script.range].text, dialect: dialect, variables: variables.sorted(),
                            lines: located.lines, source: script.text, start: script.range.lowerBound))
                default: break
                }
            }
            shells.append(shell)
            names.append(variables)
        }
        return result
    }

    private static func dialect(_ shell: [String], _ run: Instruction.Run) -> String? {
        var program = shell.first?.utf8.split(separator: Ascii.slash).last?.text ?? ""
        if case .script(_, let contents) = run.body {
            let first = contents.utf8.prefix { $0 != Ascii.newline }
            program = first.split { $0 == Ascii.slash || $0.isBlank }.last?.text ?? ""
        }
        return ["sh": "sh", "ash": "dash", "dash": "dash", "bash": "bash", "ksh": "ksh"][program]
    }

    /// Reports the findings of ShellCheck at their places in the file.
    mutating func checkShellFindings() {
        guard !options.shellFindings.isEmpty else { return }
        let scripts = Lint.scripts(file, options)
        for finding in options.shellFindings where scripts.indices.contains(finding.script) {
            let script = scripts[finding.script]
            let place = script.position(line: finding.line, column: finding.column)
            guard script.lines.contains(place.line), !isIgnored("SC\(finding.code)", at: script.lines.lowerBound) else {
                continue
            }
            report(
                "SC\(finding.code)", finding.message, place.line...place.line, severity: finding.severity,
                columns: place.column...place.column)
        }
    }
}
