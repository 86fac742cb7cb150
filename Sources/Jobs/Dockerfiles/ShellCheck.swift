internal import Frontend
internal import Glibc
internal import Linux
internal import SystemPackage

/// ShellCheck's findings in RUN scripts, from the program `shellcheck` if it is installed.
public enum ShellCheck {
    /// The time limit of one call, for `timeout`.
    private static let seconds = "20"
    /// Rules that ask about files which lint doesn't have.
    private static let excluded = "SC1090,SC1091,SC2148,SC2187"
    private static let longestOutput = 16 << 20

    /// True if the program is installed.
    public static var isInstalled: Bool {
        (Environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":").contains {
            fileExists(FilePath("\($0)/shellcheck"))
        }
    }

    /// Returns the findings in scripts, with the index of each script.
    ///
    /// The scripts are files with names of ours, which the program reads without following `source`.
    ///
    /// - Parameter onNote: Receives a sentence if the program fails.
    static func findings(in scripts: [LintScript], onNote: (String) -> Void) throws -> [ShellFinding] {
        guard !scripts.isEmpty else { return [] }
        let directory = try temporaryDirectory()
        defer {
            try? Directory(directory.removingLastComponent()).removeTree(
                FilePath(directory.lastComponent?.string ?? ""))
        }
        var byDialect: [String: [Int]] = [:]
        for (index, script) in scripts.enumerated() {
            let file = try OwnedDescriptor(directory.appending("\(index)"), [.write, .create, .exclusive], mode: 0o600)
            try file.write(Array((preamble(script) + script.text).utf8))
            byDialect[script.dialect, default: []].append(index)
        }
        return try byDialect.sorted { $0.key < $1.key }.flatMap { dialect, indices in
            try run(dialect, indices.map { directory.appending("\($0)").string }, in: directory, onNote)
        }
    }

    /// Returns the line that declares the variables of the Dockerfile.
    private static func preamble(_ script: LintScript) -> String {
        let names = script.variables.filter { name in
            name.utf8.first.map { !(48...57).contains($0) } ?? false
                && name.utf8.allSatisfy {
                    $0 == 95 || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                }
        }
        // A constant would hide that a value may contain blanks.
        let list = names.joined(separator: " ")
        return names.isEmpty ? ":\n" : "read -r \(list); export \(list)\n"
    }

    private static func run(
        _ dialect: String, _ files: [String], in directory: FilePath, _ onNote: (String) -> Void
    ) throws -> [ShellFinding] {
        let path = directory.appending("output-\(dialect)")
        let output = try OwnedDescriptor(path, [.readWrite, .create, .exclusive], mode: 0o600)
        let words =
            ["timeout", "-k", "2", seconds, "shellcheck", "--norc", "-f", "json1", "-s", dialect, "-e", excluded, "--"]
            + files
        let process = try Spawn.start(words, streams: [nil, output.rawValue, nil])
        switch Spawn.wait(process) {
        case .exited(0), .exited(1): break
        case .exited(124):
            onNote("shellcheck took more than \(seconds) s, so its findings are missing")
            return []
        default:
            onNote("shellcheck failed, so its findings are missing")
            return []
        }
        let document = try JSON(parsing: output.read(longestOutput, at: 0))
        return (document["comments"]?.array ?? []).compactMap(finding)
    }

    private static func finding(_ json: JSON) -> ShellFinding? {
        guard let file = json["file"]?.string, let index = FilePath(file).lastComponent.flatMap({ Int($0.string) }),
            let code = json["code"]?.integer, let line = json["line"]?.integer, let column = json["column"]?.integer,
            // The first line declares variables.
            line > 1
        else { return nil }
        return ShellFinding(
            script: index, code: Int(code), severity: LintSeverity(rawValue: json["level"]?.string ?? "") ?? .warning,
            message: json["message"]?.string ?? "", line: Int(line) - 1, column: Int(column))
    }

    private static func temporaryDirectory() throws -> FilePath {
        var template = Array("\(Environment["TMPDIR"] ?? "/tmp")/thaw-lint-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw SystemError("make a directory", nil, Errno(rawValue: errno))
        }
        return FilePath(String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
}
