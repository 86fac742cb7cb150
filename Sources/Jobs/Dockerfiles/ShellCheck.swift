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

    /// Returns the findings in the scripts of several Dockerfiles, with the index of each script in its Dockerfile.
    ///
    /// One call has them all, since its start takes longer than a script. They are files with names of ours, which the
    /// program reads without following `source`.
    ///
    /// - Parameter onNote: Receives a sentence if the program fails.
    static func findings(in files: [[LintScript]], onNote: (String) -> Void) throws -> [[ShellFinding]] {
        let owners = files.indices.flatMap { file in files[file].indices.map { (file: file, index: $0) } }
        var found = files.map { _ in [ShellFinding]() }
        guard !owners.isEmpty else { return found }
        let directory = try temporaryDirectory()
        defer {
            try? Directory(directory.removingLastComponent()).removeTree(
                FilePath(directory.lastComponent?.string ?? ""))
        }
        for (number, script) in files.joined().enumerated() {
            let path = directory.appending("\(number)")
            let file = try OwnedDescriptor(path, [.write, .create, .exclusive], mode: 0o600)
            try file.write(Array((preamble(script) + script.text).utf8))
        }
        for comment in try run(owners.indices.map { directory.appending("\($0)").string }, in: directory, onNote) {
            guard let (number, finding) = finding(comment, owners.map(\.index)) else { continue }
            found[owners[number].file].append(finding)
        }
        return found
    }

    private static let preambleLineCount = 2

    /// Returns the lines that name the dialect and declare the variables of the Dockerfile.
    private static func preamble(_ script: LintScript) -> String {
        let names = script.variables.filter { name in
            name.utf8.first.map { !(48...57).contains($0) } ?? false
                && name.utf8.allSatisfy {
                    $0 == 95 || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                }
        }
        // A constant would hide that a value may contain blanks.
        let list = names.joined(separator: " ")
        let declaration = names.isEmpty ? ":" : "read -r \(list); export \(list)"
        return "# shellcheck shell=\(script.dialect)\n\(declaration)\n"
    }

    private static func run(
        _ files: [String], in directory: FilePath, _ onNote: (String) -> Void
    ) throws -> [JSON] {
        let output = try OwnedDescriptor(directory.appending("output"), [.readWrite, .create, .exclusive], mode: 0o600)
        let words =
            ["timeout", "-k", "2", seconds, "shellcheck", "--norc", "-f", "json1", "-e", excluded, "--"] + files
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
        return try JSON(parsing: output.read(longestOutput, at: 0))["comments"]?.array ?? []
    }

    /// Parses a finding; returns the number of its file, and the finding for the script that `indices` has for it.
    private static func finding(_ json: JSON, _ indices: [Int]) -> (Int, ShellFinding)? {
        guard let file = json["file"]?.string, let number = FilePath(file).lastComponent.flatMap({ Int($0.string) }),
            indices.indices.contains(number), let code = json["code"]?.integer, let line = json["line"]?.integer,
            let column = json["column"]?.integer, line > preambleLineCount
        else { return nil }
        return (
            number,
            ShellFinding(
                script: indices[number], code: Int(code),
                severity: LintSeverity(rawValue: json["level"]?.string ?? "") ?? .warning,
                message: json["message"]?.string ?? "", line: Int(line) - preambleLineCount, column: Int(column))
        )
    }

    private static func temporaryDirectory() throws -> FilePath {
        var template = Array("\(Environment["TMPDIR"] ?? "/tmp")/thaw-lint-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw SystemError("make a directory", nil, Errno(rawValue: errno))
        }
        return FilePath(String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
}
