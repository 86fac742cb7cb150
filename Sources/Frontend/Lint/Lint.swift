/// Says what a Dockerfile could do better: BuildKit's checks, hadolint's valued rules, and checks against real images.
public enum Lint {
    /// What to check, and with what knowledge.
    public struct Options: Sendable {
        /// The outside of the build, for the values of ARG.
        public var arguments: BuildArguments
        /// `--build-arg BUILDKIT_DOCKERFILE_CHECK`: replaces the file's `# check=`.
        public var check: CheckOptions?
        /// What is known about images and context.
        public var facts = ImageFacts()
        /// Rules to leave out altogether.
        public var ignored: Set<String> = []

        /// The checks of a build on a platform.
        public init(arguments: BuildArguments) { self.arguments = arguments }
    }

    /// The findings in the order of the file; comments that ask for silence are honoured.
    public static func check(_ dockerfile: Dockerfile, _ options: Options) -> [Finding] {
        var linter = Linter(dockerfile, options)
        linter.checkFile()
        linter.checkShapes()
        linter.checkStages()
        linter.checkScripts()
        linter.checkImages()
        return linter.findings()
    }

    /// Whether findings make the check fail, as `# check=error=true` asks.
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

    /// Why a Dockerfile that cannot be read deserves a finding too.
    public static func findings(for error: DockerfileError) -> [Finding] {
        error.diagnostics.map { problem in
            let line = max(1, problem.position.line)
            return Finding(
                rule: "SyntaxError", severity: .error, message: problem.message, lines: line...line, fix: nil,
                edits: [])
        }
    }
}
