/// The linter for Dockerfiles: BuildKit's checks, rules of hadolint, and checks of images.
public enum Lint {
    /// The options and the facts of a check.
    public struct Options: Sendable {
        /// The build arguments, for the values of ARG.
        public var arguments: BuildArguments
        /// `--build-arg BUILDKIT_DOCKERFILE_CHECK`, which replaces the file's `# check=`.
        public var check: CheckOptions?
        /// The facts about images and context.
        public var facts = ImageFacts()
        /// The rules to ignore.
        public var ignored: Set<String> = []
        /// The settings of the project, such as those of `.hadolint.yaml`.
        public var configuration = LintConfiguration()
        /// The day for which ends of life are judged, as `YYYY-MM-DD`; nil for no such check.
        public var today: String?
        /// The findings of ShellCheck in the scripts of ``Lint/scripts(_:)``.
        public var shellFindings: [ShellFinding] = []

        public init(arguments: BuildArguments) {
            self.arguments = arguments
            check = try? CheckOptions(arguments)
        }
    }

    /// Returns the findings in order of line, without those that comments of the file ignore.
    public static func check(_ dockerfile: Dockerfile, _ options: Options) -> [LintFinding] {
        var linter = Linter(dockerfile, options)
        linter.checkFile()
        linter.checkShapes()
        linter.checkStages()
        linter.checkUses()
        linter.checkLabels()
        linter.checkImages()
        linter.checkShellFindings()
        return linter.findings()
    }

    /// True if findings fail the build, as with `# check=error=true`.
    public static func failsOnFinding(_ dockerfile: Dockerfile, _ options: Options) -> Bool {
        checkOptions(dockerfile, options).failsOnFinding
    }

    static func checkOptions(_ dockerfile: Dockerfile, _ options: Options) -> CheckOptions {
        if let check = options.check { return check }
        guard let word = dockerfile.directives.check, let parsed = try? CheckOptions(word) else {
            return CheckOptions()
        }
        return parsed
    }

    /// The rules that only run when `experimental=` names them.
    static let experimental: Set<String> = ["InvalidDefinitionDescription"]

    /// Returns the syntax errors of a Dockerfile as findings.
    public static func findings(for error: DockerfileError) -> [LintFinding] {
        error.diagnostics.map { problem in
            let line = max(1, problem.position.line)
            return LintFinding(
                rule: "SyntaxError", severity: .error, message: problem.message, lines: line...line,
                startColumn: max(1, problem.position.column), endColumn: max(1, problem.position.column) + 1, fix: nil,
                edits: [])
        }
    }
}
