public import Frontend
public import Linux
public import OCI
internal import SystemPackage

/// A Dockerfile that is checked or described without a build.
public struct DockerfileView {
    let path: String
    private let arguments: BuildArguments
    private let openStore: () throws -> Store?
    /// The rules to ignore.
    public var ignored: Set<String> = []
    /// The name of the image built from it; nil if there is none.
    public var result: String?
    /// The settings of the linter; nil for those of the `.hadolint.yaml` beside the file.
    public var configuration: LintConfiguration?

    /// Makes a view of the Dockerfile at `path`, or on stdin for `-`.
    ///
    /// - Parameter openStore: Opens the store with the images of the Dockerfile; returns nil if there is none.
    public init(_ path: String, arguments: [String: String], openStore: @escaping () throws -> Store?) {
        self.path = path
        self.arguments = BuildArguments(values: arguments, build: .host)
        self.openStore = openStore
    }

    /// Returns the findings of all checks but ShellCheck's.
    public func findings() async throws -> [LintFinding] {
        try await Self.findings(of: [self], asksShellCheck: false) { _ in }[0]
    }

    /// Returns the findings in each of several Dockerfiles, or the syntax errors of one that can't be parsed.
    ///
    /// - Parameters:
    ///   - asksShellCheck: True to ask the program `shellcheck`, once, about the RUN scripts of all.
    ///   - onNote: Receives a sentence about a part of the checks that could not be done.
    static func findings(
        of views: [DockerfileView], asksShellCheck: Bool, onNote: (String) -> Void
    ) async throws -> [[LintFinding]] {
        var checks: [CheckInput] = []
        for view in views { checks.append(try await view.check()) }
        if asksShellCheck {
            let found = try ShellCheck.findings(in: checks.map(\.scripts), onNote: onNote)
            for index in checks.indices { checks[index].options.shellFindings = found[index] }
        }
        return checks.map(\.findings)
    }

    /// A Dockerfile with all facts that its checks need.
    private struct CheckInput {
        var options: Lint.Options
        /// The Dockerfile; nil if it can't be parsed.
        var parsed: Dockerfile?
        /// The findings of a Dockerfile that can't be parsed.
        var errors: [LintFinding] = []

        var scripts: [LintScript] { parsed.map { Lint.scripts($0, options) } ?? [] }
        var findings: [LintFinding] { parsed.map { Lint.check($0, options) } ?? errors }
    }

    private func check() async throws -> CheckInput {
        let bytes = try read()
        var check = CheckInput(options: Lint.Options(arguments: arguments))
        let parsed: Dockerfile
        do { parsed = try Dockerfile(parsing: bytes, name: path) } catch {
            check.errors = Lint.findings(above: error, in: bytes, check.options) + Lint.findings(for: error)
            return check
        }
        do { _ = try CheckOptions(arguments) } catch {
            throw Failure("--build-arg BUILDKIT_DOCKERFILE_CHECK: \(error.message)", status: .usage)
        }
        check.parsed = parsed
        check.options.ignored = ignored
        check.options.configuration = try configuration ?? LintSettings.find(for: FilePath(path))
        check.options.today = RFC3339.today
        check.options.facts = try await LintFacts.gather(
            parsed, arguments, path: FilePath(path), result: result, openStore: openStore)
        return check
    }

    /// Writes the automatic fixes to the file; returns the numbers of the lines that were changed.
    public func fix(_ findings: [LintFinding]) throws -> [Int] {
        let bytes = try read()
        let fixed = Lint.applying(findings, to: bytes)
        guard fixed != bytes else { return [] }
        try replaceFile(path, with: fixed)
        return Set(findings.flatMap(\.edits).map(\.line)).sorted()
    }

    /// The bytes of the file, or nil if it can't be read again.
    public var source: [UInt8]? { path == "-" ? nil : try? read() }

    /// Formats findings for people.
    public func text(_ findings: [LintFinding]) -> String { Lint.text(findings, name: path) }

    /// Formats findings as JSON.
    public func json(_ findings: [LintFinding]) -> String { Lint.json([(path, findings)]) }

    /// Returns the syntax tree, without semantic checks.
    public func tree() throws -> String {
        let bytes = try read()
        do {
            return try Dockerfile.dump(bytes, name: path)
        } catch {
            throw Failure("\(error)")
        }
    }

    /// Returns the result of a method of `thaw build --call`, such as `outline,format=json`.
    ///
    /// - Returns: The text, and true for `hasFailed` if a check has findings that are not ignored.
    public func answer(
        to call: String, target: String?
    ) async throws -> (text: String, isJSON: Bool, hasFailed: Bool) {
        let parts = call.split(separator: ",").map(String.init)
        let isJSON = parts.contains("format=json")
        switch parts.first ?? "" {
        case "check":
            let findings = try await findings()
            let hasFailed = !findings.isEmpty && !parts.contains("ignorestatus=true")
            return (isJSON ? json(findings) : text(findings), isJSON, hasFailed)
        case "outline":
            let outline = try outline(target)
            return (isJSON ? outline.json.text : outline.text, isJSON, false)
        case "targets": return (isJSON ? try targets().text : try targetsText(), isJSON, false)
        default: throw Failure("--call '\(call)' is not build, check, outline or targets", status: .usage)
        }
    }

    /// Returns the arguments, secrets and agents that a target uses.
    public func outline(_ target: String?) throws -> Outline {
        let parsed = try parse()
        do {
            return try parsed.outline(target: target, arguments)
        } catch {
            throw Failure("\(parsed.error(error))")
        }
    }

    /// Returns the stages as JSON.
    public func targets() throws -> JSON {
        .object(["targets": .array(try parse().targets.map(\.json))])
    }

    /// Returns the stages for people, one in each line.
    public func targetsText() throws -> String {
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
    public var json: JSON {
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
    public var text: String {
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

extension Outline.CredentialMount {
    fileprivate var json: JSON {
        .object(["name": .string(id), "required": .bool(isRequired), "line": .integer(Int64(line))])
    }
}
