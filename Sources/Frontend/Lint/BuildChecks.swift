extension Lint {
    /// BuildKit's checks, which a build runs; the rules of other tools are only for linting.
    public static let buildKitRules: Set<String> = fileRules.union([
        "ConsistentInstructionCasing", "CopyIgnoredFile", "ExposeInvalidFormat", "ExposeProtoCasing",
        "FromPlatformFlagConstDisallowed", "InvalidBaseImagePlatform", "JSONArgsRecommended",
        "MultipleInstructionsDisallowed", "RedundantTargetPlatform", "SecretsUsedInArgOrEnv", "UndefinedVar",
        "WorkdirRelativePath",
    ])

    /// BuildKit's checks of the whole file, also of stages that the target doesn't need.
    private static let fileRules: Set<String> = [
        "DuplicateStageName", "FromAsCasing", "InvalidDefaultArgInFrom", "InvalidDefinitionDescription",
        "LegacyKeyValueFormat", "MaintainerDeprecated", "NoEmptyContinuation", "ReservedStageName", "StageNameCasing",
        "UndefinedArgInFrom",
    ]

    /// Returns the findings of BuildKit's checks in a build of these stages.
    public static func buildFindings(
        _ dockerfile: Dockerfile, stages: some Sequence<Int>, _ options: Options
    ) -> [LintFinding] {
        var linter = Linter(dockerfile, options)
        linter.checkFile()
        linter.checkShapes()
        linter.checkStages()
        let skipped = Set(dockerfile.stages.indices).subtracting(stages).map { dockerfile.stages[$0].lines }
        return linter.findings().filter { finding in
            guard buildKitRules.contains(finding.rule) else { return false }
            return fileRules.contains(finding.rule) || !skipped.contains { $0.contains(finding.lines.lowerBound) }
        }
    }

    /// Returns the findings above the first syntax error of a file that can't be parsed.
    public static func findings(above error: DockerfileError, in bytes: [UInt8], _ options: Options) -> [LintFinding] {
        guard let line = error.diagnostics.first?.position.line, line > 1,
            let file = Dockerfile(partly: bytes, name: error.name)
        else { return [] }
        let findings = buildFindings(file, stages: file.stages.indices, options)
        return findings.filter { $0.lines.upperBound < line }
    }
}
