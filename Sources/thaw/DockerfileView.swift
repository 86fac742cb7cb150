import Frontend
import Glibc
import Linux
import OCI
import SystemPackage

/// A Dockerfile that is checked or described without a build.
struct DockerfileView {
    private let path: String
    private let arguments: BuildArguments
    private let global: GlobalOptions
    /// The rules to ignore.
    var ignored: Set<String> = []
    /// The name of the image built from it; nil if there is none.
    var result: String?
    /// The settings of the linter; nil for those of the `.hadolint.yaml` beside the file.
    var configuration: LintConfiguration?
    /// True to ask the program `shellcheck` about RUN scripts.
    var asksShellCheck = false

    init(_ path: String, arguments: [String: String], _ global: GlobalOptions) {
        self.path = path
        self.arguments = BuildArguments(values: arguments, build: .host)
        self.global = global
    }

    /// Returns the findings of all checks, or the syntax errors of a file that can't be parsed.
    func findings() async throws -> [Frontend.LintFinding] {
        let parsed: Dockerfile
        let bytes = try read()
        do {
            parsed = try Dockerfile(parsing: bytes, name: path)
        } catch {
            let options = Frontend.Lint.Options(arguments: arguments)
            return Frontend.Lint.findings(above: error, in: bytes, options) + Frontend.Lint.findings(for: error)
        }
        do { _ = try CheckOptions(arguments) } catch {
            throw Failure("--build-arg BUILDKIT_DOCKERFILE_CHECK: \(error.message)", status: .usage)
        }
        var options = Frontend.Lint.Options(arguments: arguments)
        options.ignored = ignored
        options.configuration = try configuration ?? LintSettings.find(for: FilePath(path))
        options.today = Self.today
        options.facts = try await LintFacts.gather(parsed, arguments, path: FilePath(path), result: result, global)
        if asksShellCheck {
            options.shellFindings = try ShellCheck.findings(in: Frontend.Lint.scripts(parsed, options))
        }
        return Frontend.Lint.check(parsed, options)
    }

    /// The day by this machine's clock, as `YYYY-MM-DD` in UTC.
    private static var today: String { String(RFC3339.text(Int64(time(nil))).prefix(10)) }

    /// Writes the automatic fixes to the file; returns the numbers of the lines that were changed.
    func fix(_ findings: [Frontend.LintFinding]) throws -> [Int] {
        let bytes = try read()
        let fixed = Frontend.Lint.applying(findings, to: bytes)
        guard fixed != bytes else { return [] }
        try replaceFile(path, with: fixed)
        return Set(findings.flatMap(\.edits).map(\.line)).sorted()
    }

    /// The bytes of the file, or nil if it can't be read again.
    var source: [UInt8]? { path == "-" ? nil : try? read() }

    /// Formats findings for people.
    func text(_ findings: [Frontend.LintFinding]) -> String { Frontend.Lint.text(findings, name: path) }

    /// Formats findings as JSON.
    func json(_ findings: [Frontend.LintFinding]) -> String { Frontend.Lint.json([(path, findings)]) }

    /// Returns the syntax tree, without semantic checks.
    func tree() throws -> String {
        let bytes = try read()
        do {
            return try Dockerfile.dump(bytes, name: path)
        } catch {
            throw Failure("\(error)")
        }
    }

    /// Returns the arguments, secrets and agents that a target uses.
    func outline(_ target: String?) throws -> Outline {
        let parsed = try parse()
        do {
            return try parsed.outline(target: target, arguments)
        } catch {
            throw Failure("\(parsed.error(error))")
        }
    }

    /// Returns the stages as JSON.
    func targets() throws -> JSON {
        .object(["targets": .array(try parse().targets.map(\.json))])
    }

    /// Returns the stages for people, one in each line.
    func targetsText() throws -> String {
        try parse().targets.map { target in
            let name = target.name ?? "\(target.index)"
            let mark = target.isDefault ? " (default)" : ""
            return "\(name)\(mark)  FROM \(target.base)\(target.description.map { "  \($0)" } ?? "")"
        }.joined(separator: "\n")
    }

    private func parse() throws -> Dockerfile {
        let bytes = try read()
        do {
            return try Dockerfile(parsing: bytes, name: path)
        } catch {
            throw Failure("\(error)")
        }
    }

    private func read() throws -> [UInt8] {
        do {
            return try OwnedDescriptor(FilePath(path == "-" ? "/dev/stdin" : path)).readAll(limit: 64 << 20)
        } catch {
            throw Failure("\(error)", status: error.errno == .noSuchFileOrDirectory ? .usage : .failed)
        }
    }
}

extension TargetSummary {
    /// The target in the form of buildx's `--call targets,format=json`, with its line in addition.
    fileprivate var json: JSON {
        var json = JSON.object([
            "name": .string(name ?? ""), "base": .string(base), "default": .bool(isDefault),
            "line": .integer(Int64(lines.lowerBound)),
        ])
        json["description"] = description.map(JSON.string)
        json["platform"] = platform.map(JSON.string)
        return json
    }
}

extension Outline {
    /// The outline in the form of buildx's `--call outline,format=json`.
    var json: JSON {
        var json = JSON.object([
            "name": .string(target.name ?? ""),
            "args": .array(
                arguments.map { argument in
                    var json = JSON.object(["name": .string(argument.name), "line": .integer(Int64(argument.line))])
                    json["value"] = argument.value.map(JSON.string)
                    json["description"] = argument.description.map(JSON.string)
                    return json
                }),
            "secrets": .array(secrets.map(\.json)), "ssh": .array(agents.map(\.json)),
        ])
        json["description"] = target.description.map(JSON.string)
        return json
    }

    /// The outline for people.
    var text: String {
        var lines = ["TARGET   \(target.name ?? "\(target.index)")\(target.description.map { "  \($0)" } ?? "")"]
        for argument in arguments {
            lines.append(
                "ARG      \(argument.name)=\(argument.value ?? "")\(argument.description.map { "  \($0)" } ?? "")")
        }
        lines += secrets.map { "SECRET   \($0.id)\($0.isRequired ? " (required)" : "")" }
        lines += agents.map { "SSH      \($0.id)\($0.isRequired ? " (required)" : "")" }
        return lines.joined(separator: "\n")
    }
}

extension Outline.Credential {
    fileprivate var json: JSON {
        .object(["name": .string(id), "required": .bool(isRequired), "line": .integer(Int64(line))])
    }
}
