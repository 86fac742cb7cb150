internal import Frontend
internal import Linux
public import OCI
internal import SystemPackage

/// The check of one or several Dockerfiles, and the fixes that can't change the image.
public struct LintJob {
    /// The Dockerfiles, in order.
    public let views: [DockerfileView]
    private let asksShellCheck: Bool
    private let host: any JobHost

    /// Makes a job for the Dockerfiles `names`, or the one in this directory.
    ///
    /// - Parameters:
    ///   - arguments: Values of ARG, as `NAME=VALUE`.
    ///   - configuration: A file of settings; nil for the `.hadolint.yaml` beside each Dockerfile.
    ///   - image: The name of an image that was built from them.
    ///   - asksShellCheck: True to ask the program `shellcheck`; nil to ask it if it is installed.
    ///   - openStore: Opens the store with the images of the Dockerfiles; returns nil if there is none.
    public init(
        _ names: [String], arguments: [String], ignored: Set<String>, configuration: String?, image: String?,
        asksShellCheck: Bool?, host: any JobHost, openStore: @escaping () throws -> Store?
    ) throws {
        let values = Dictionary(arguments.map { Variable($0) }.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        let configuration = try configuration.map { try LintSettings.read(FilePath($0)) }
        views = try (names.isEmpty ? ["Dockerfile"] : names).map { name in
            var view = DockerfileView(name, arguments: values, openStore: openStore)
            (view.ignored, view.result) = (ignored, image)
            view.configuration = try configuration ?? LintSettings.find(for: FilePath(name))
            return view
        }
        self.asksShellCheck = asksShellCheck ?? ShellCheck.isInstalled
        self.host = host
    }

    /// Returns the findings.
    ///
    /// - Parameter fixes: True to write the fixes that can't change the image; then what is left is returned.
    public func run(fixes: Bool) async throws -> LintResult {
        var findings = try await findings(views)
        if fixes {
            let fixed = try views.indices.filter { try write(findings[$0], to: views[$0]) }
            for (index, rest) in zip(fixed, try await self.findings(fixed.map { views[$0] })) { findings[index] = rest }
        }
        return LintResult(files: zip(views, findings).map { LintResult.CheckedDockerfile(view: $0, findings: $1) })
    }

    private func findings(_ views: [DockerfileView]) async throws -> [[LintFinding]] {
        try await DockerfileView.findings(of: views, asksShellCheck: asksShellCheck) { host.note($0) }
    }

    /// Writes the automatic fixes and reports them; returns false if there are none.
    private func write(_ findings: [LintFinding], to view: DockerfileView) throws -> Bool {
        let fixable = findings.filter { !$0.edits.isEmpty }
        let lines = try view.fix(fixable)
        guard !lines.isEmpty else {
            host.note("\(view.path): nothing to write; the fixes below are yours to decide on")
            return false
        }
        let rules = Set(fixable.map(\.rule)).sorted().joined(separator: ", ")
        let places = lines.map(String.init).joined(separator: ", ")
        host.note("\(view.path): wrote line\(lines.count == 1 ? "" : "s") \(places) (\(rules))")
        return true
    }
}

/// The findings in Dockerfiles.
public struct LintResult {
    struct CheckedDockerfile {
        let view: DockerfileView
        let findings: [LintFinding]
    }

    let files: [CheckedDockerfile]

    /// True if a finding is at least as severe as the threshold of its Dockerfile's settings.
    public var hasFailed: Bool {
        files.contains { file in
            let threshold = (file.view.configuration ?? LintConfiguration()).failureThreshold
            return threshold.map { limit in file.findings.contains { $0.severity >= limit } } ?? false
        }
    }

    /// The findings for people.
    public var text: String { files.map { Lint.text($0.findings, name: $0.view.path) }.joined() }

    /// The findings as JSON.
    public var json: String { Lint.json(files.map { ($0.view.path, $0.findings) }) }
}
