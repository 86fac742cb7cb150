// All rules. `docs/lint.md` has this table, which a test compares.

extension LintRule {
    /// All rules, in the order of the documentation.
    public static let all: [LintRule] =
        ofSyntax + ofStages + ofInstructions + ofScripts + ofPackages + ofLabels + ofImages

    private static func rule(
        _ name: String, _ others: [String] = [], _ severity: LintSeverity? = .warning, _ finds: String,
        _ fix: Fix = .described
    ) -> LintRule {
        LintRule(name: name, otherNames: others, severity: severity, finds: finds, fix: fix)
    }

    private static let ofSyntax = [
        rule("SyntaxError", ["DL1000", "DL3061"], .error, "a file that a build refuses: syntax, order, open quotes"),
        rule("DL1001", [], nil, "a comment that ignores rules"),
        rule("NotUTF8", [], .warning, "bytes that aren't UTF-8"),
        rule("NoEmptyContinuation", [], .warning, "an empty line inside a continued instruction", .automatic),
        rule("ConsistentInstructionCasing", [], .warning, "keywords in mixed letter case", .automatic),
        rule("FromAsCasing", [], .warning, "`AS` in another letter case than `FROM`", .automatic),
        rule(
            "InvalidDefinitionDescription", [], .warning,
            "a comment that doesn't describe its ARG or stage; only with `experimental=`"),
    ]

    private static let ofStages = [
        rule("InvalidImageName", [], .error, "a FROM whose name no registry accepts"),
        rule("InvalidDefaultArgInFrom", [], .warning, "a FROM that names no image without build arguments"),
        rule("UndefinedArgInFrom", [], .warning, "a FROM with a variable that no ARG declares"),
        rule("StageNameCasing", [], .warning, "a stage name with capitals", .automatic),
        rule("DuplicateStageName", ["DL3024"], .error, "two stages of one name"),
        rule("ReservedStageName", ["DL3063"], .warning, "a stage called `scratch` or `context`"),
        rule("RedundantTargetPlatform", ["DL3065"], .warning, "`--platform=$TARGETPLATFORM`, the default", .automatic),
        rule("FromPlatformFlagConstDisallowed", ["DL3029"], .warning, "a constant `--platform`"),
        rule("DL3029", [], .warning, "a constant `--platform` in a stage that names it"),
        rule("DL3006", [], .warning, "an image without a tag"),
        rule("DL3007", [], .warning, "an image with the tag `latest`"),
        rule("DL3026", [], .error, "an image of a registry that isn't trusted; only with `trustedRegistries`"),
        rule("EndOfLife", [], .warning, "a Debian or Ubuntu release past its end of support"),
        rule("UnusedStage", [], .info, "a stage that the image doesn't need"),
        rule("StageReference", ["DL3023"], .error, "a `--from` of the stage itself or a later one"),
        rule("DL3022", [], .warning, "a `--from` that is neither a stage nor pinned"),
        rule("DL3067", [], .warning, "a copy of the whole file system of a stage"),
        rule("DL3002", [], .warning, "a last USER that is root"),
        rule("DL3066", [], .info, "a USER that isn't a number"),
        rule("DL3057", [], nil, "no HEALTHCHECK"),
    ]

    private static let ofInstructions = [
        rule("UndefinedVar", [], .warning, "a variable that is never set"),
        rule("SecretsUsedInArgOrEnv", ["DL3064"], .warning, "an ARG or ENV with the name of a secret"),
        rule("LegacyKeyValueFormat", [], .warning, "`ENV key value`", .automatic),
        rule("DL3044", [], .error, "an ENV that uses a variable which it defines"),
        rule("MaintainerDeprecated", ["DL4000"], .warning, "MAINTAINER", .proposal),
        rule(
            "MultipleInstructionsDisallowed", ["DL3012", "DL4003", "DL4004"], .warning,
            "a CMD, ENTRYPOINT or HEALTHCHECK that a later one replaces"),
        rule("JSONArgsRecommended", ["DL3025"], .warning, "CMD or ENTRYPOINT in shell form", .proposal),
        rule("DL3025", [], .warning, "the same below a SHELL, or HEALTHCHECK in shell form", .proposal),
        rule("WorkdirRelativePath", ["DL3000"], .warning, "a relative WORKDIR without an absolute one before"),
        rule("DL3000", [], .error, "a relative WORKDIR"),
        rule("DL3045", [], .warning, "a COPY to a relative path without WORKDIR"),
        rule("DL3020", [], .error, "an ADD that needs only COPY", .proposal),
        rule("DL3021", [], .error, "a COPY of several sources to a name without `/`", .proposal),
        rule("DL3010", [], .info, "a COPY of an archive that a RUN unpacks"),
        rule("UnverifiedDownload", [], .warning, "an ADD of an address without `--checksum`"),
        rule("CopyIgnoredFile", [], .warning, "a source that `.dockerignore` excludes"),
        rule("ExposeProtoCasing", [], .warning, "a protocol with capitals", .automatic),
        rule("ExposeInvalidFormat", [], .warning, "an EXPOSE with an address or a host port"),
        rule("DL3011", [], .error, "a port above 65535"),
        rule("TriggerInvalid", ["DL3043"], .error, "an ONBUILD that fails in each child image"),
    ]

    private static let ofScripts = [
        rule("CdAlone", ["DL3003"], .warning, "a RUN that only changes its directory", .proposal),
        rule("DL3003", [], .warning, "`cd` in a RUN", .proposal),
        rule("ExportAlone", [], .warning, "a RUN that only sets variables", .proposal),
        rule("RemoveAlone", [], .warning, "a RUN that only deletes files of lower layers"),
        rule("OwnershipAlone", [], .warning, "a RUN that only changes owners or modes, and stores the files again"),
        rule("UpdateAlone", [], .warning, "a RUN that only updates the package index"),
        rule("PipeToShell", [], .warning, "a download that a shell runs unchecked"),
        rule("DL3001", [], .info, "a program without use in a container"),
        rule("DL3004", [], .error, "`sudo`"),
        rule("DL4001", [], .warning, "both wget and curl"),
        rule("DL4005", [], .warning, "a link in place of `/bin/sh`", .proposal),
        rule("DL4006", [], .warning, "a pipe without `pipefail`", .proposal),
        rule("DL3046", [], .warning, "useradd with a high UID and without `-l`", .proposal),
        rule("DL3047", [], .info, "wget with a progress bar", .proposal),
        rule("DL3059", [], .info, "RUN lines that could be one"),
    ]

    private static let ofPackages = [
        rule("DL3027", [], .warning, "`apt`, which is for people", .automatic),
        rule("DL3008", [], .warning, "apt-get install without versions"),
        rule("DL3009", [], .info, "apt-get update that leaves the index"),
        rule("DL3014", [], .warning, "apt-get install without `-y`", .automatic),
        rule("DL3015", [], .info, "apt-get install without `--no-install-recommends`", .proposal),
        rule("DL3018", [], .warning, "apk add without versions"),
        rule("DL3019", [], .info, "apk add without `--no-cache`", .proposal),
        rule("DL3013", [], .warning, "pip install without versions"),
        rule("DL3042", [], .warning, "pip install that leaves its cache", .proposal),
        rule("DL3016", [], .warning, "npm install without versions"),
        rule("DL3060", [], .info, "yarn install that leaves its cache"),
        rule("DL3028", [], .warning, "gem install without versions"),
        rule("DL3062", [], .warning, "go install without versions"),
        rule("DL3030", [], .warning, "yum install without `-y`", .automatic),
        rule("DL3032", [], .warning, "yum install without `yum clean all` after it", .proposal),
        rule("DL3033", [], .warning, "yum install without versions"),
        rule("DL3038", [], .warning, "dnf install without `-y`", .automatic),
        rule("DL3040", [], .warning, "dnf install without `dnf clean all` after it", .proposal),
        rule("DL3041", [], .warning, "dnf install without versions"),
        rule("DL3034", [], .warning, "zypper install without `-y`", .automatic),
        rule("DL3035", [], .warning, "zypper dist-upgrade"),
        rule("DL3036", [], .warning, "zypper install without `zypper clean` after it", .proposal),
        rule("DL3037", [], .warning, "zypper install without versions"),
    ]

    private static let ofLabels = [
        rule("DL3048", [], .style, "a label key that Docker's rules don't allow"),
        rule("DL3049", [], .info, "a missing label; only with `label-schema`"),
        rule("DL3050", [], .info, "a label outside of the schema; only with `strict-labels`"),
        rule("DL3051", [], .warning, "an empty label of the schema"),
        rule("DL3052", [], .warning, "a label of the schema that isn't a URL"),
        rule("DL3053", [], .warning, "a label of the schema that isn't an RFC 3339 time"),
        rule("DL3054", [], .warning, "a label of the schema that isn't an SPDX license"),
        rule("DL3055", [], .warning, "a label of the schema that isn't a git hash"),
        rule("DL3056", [], .warning, "a label of the schema that isn't a semantic version"),
        rule("DL3058", [], .warning, "a label of the schema that isn't an email address"),
    ]

    private static let ofImages = [
        rule("InvalidBaseImagePlatform", [], .warning, "a base image of another platform"),
        rule("UserUnknown", [], .error, "a USER that the image doesn't have"),
        rule("ChownUnresolved", [], .error, "a `--chown` name that the image doesn't have"),
        rule("EntrypointMissing", [], .error, "an entrypoint that the image doesn't have"),
        rule("EntrypointNotExecutable", [], .error, "an entrypoint without execute permission"),
        rule("RewrittenFiles", [], .warning, "files stored again for a new owner or mode"),
        rule("PackageCacheLeft", [], .warning, "package indexes and caches in a layer"),
        rule("ContextNotIgnored", [], .warning, "a directory of the context that rarely belongs in an image"),
    ]
}
