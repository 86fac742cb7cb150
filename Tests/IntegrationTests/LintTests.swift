import Harness
import Testing

/// `thaw lint` as a command: what `--fix` writes, settings, and the findings of shellcheck.
@Suite struct LintTests {
    /// A Dockerfile for each automatic fix, on an image whose package managers write their words to a file.
    private static let fixes = [
        "FROM tools\nENV GREETING hello big world\nLABEL a b c\n",
        "FROM tools\nrun echo a >/a\nRUN echo b >/b\nCMD [\"x\"]\n",
        "FROM tools as Base\nFROM base\nRUN echo a \\\n\n  >/a\n",
        "FROM --platform=$TARGETPLATFORM tools\nRUN echo a >/a\n", "FROM tools\nEXPOSE 80/TCP 81\n",
        "FROM tools\nRUN apt update && echo \"run apt install x\" >/help\n",
        "FROM tools\nRUN apt-get update && apt-get install curl\n", "FROM tools\nRUN yum install a\nRUN zypper in a\n",
        "FROM tools\nRUN dnf install a\n",
    ]

    /// Makes a bench with an image whose tools succeed and record their verb, whatever their options are.
    private static func directory() throws -> TestDirectory { try TestDirectory(copying: made.get()) }

    private static let made = Result {
        let directory = try TestDirectory.withBusybox()
        try Program.shell("mkdir -p context", in: directory.path)
        let tool = #"#!/bin/sh\nfor w in \"$@\"; do case $w in -*) ;; *) echo $w >>/words;; esac; done\n"#
        let names = ["apt", "apt-get", "yum", "dnf", "zypper"].map { "/bin/\($0)" }.joined(separator: " ")
        try directory.write(
            "context/Dockerfile",
            "FROM busybox\nRUN printf '\(tool)' >/bin/apt && chmod 755 /bin/apt && for n in \(names); do test -e $n || cp /bin/apt $n; done\n"
        )
        try directory.succeed("build", "--progress", "quiet", "-t", "tools", "context")
        return directory
    }

    @Test("--fix changes neither the files nor the settings of the image", arguments: fixes)
    func fix(dockerfile: String) throws {
        let directory = try Self.directory()
        let before = try Self.image(dockerfile, in: directory)
        let outcome = try directory.thaw("lint", "--fix", "--no-shellcheck", "context/Dockerfile")
        #expect(outcome.error.contains("note: context/Dockerfile: wrote line"), "\(outcome.error)")
        let fixed = try directory.read("context/Dockerfile")
        #expect(fixed != dockerfile)
        #expect(try Self.image(fixed, in: directory) == before)
    }

    /// Returns the layers and settings of an image.
    private static func image(_ dockerfile: String, in directory: TestDirectory) throws -> [Document] {
        try directory.write("context/Dockerfile", dockerfile)
        try directory.succeed("build", "--progress", "quiet", "-t", "app", "context")
        let inspection = try Inspection("app", in: directory)
        return [inspection.config["rootfs"], inspection.config["config"]]
    }

    @Test("fix-report: --fix says what it wrote, then only what is left")
    func report() throws {
        let directory = try TestDirectory()
        try directory.write(
            "Dockerfile", "FROM debian:12\nrun true\nRUN apt-get install -y jq=1\nRUN apt-get install a=1\n")
        let outcome = try directory.thaw("lint", "--fix", "--no-shellcheck", "Dockerfile")
        #expect(outcome.error.contains("wrote lines 2, 4 (ConsistentInstructionCasing, DL3014)"), "\(outcome.error)")
        #expect(!outcome.output.contains("ConsistentInstructionCasing") && !outcome.output.contains("DL3014"))
        #expect(outcome.output.contains("fix: write RUN apt-get install --no-install-recommends -y jq=1"))
        let again = try directory.thaw("lint", "--fix", "--no-shellcheck", "Dockerfile")
        #expect(again.error.contains("nothing to write"))
        #expect(again.output == outcome.output)
    }

    @Test(".hadolint.yaml beside the Dockerfile is honoured, and a wrong one is refused")
    func settings() throws {
        let directory = try TestDirectory()
        try Program.shell("mkdir a", in: directory.path)
        try directory.write("a/Dockerfile", "FROM debian\nUSER x\n")
        #expect(try directory.thaw("lint", "a/Dockerfile").status == 1)
        try directory.write("a/.hadolint.yaml", "ignored: [DL3006]\nfailure-threshold: warning\n")
        let outcome = try directory.thaw("lint", "a/Dockerfile")
        #expect(outcome.status == 0 && outcome.output.contains("DL3066") && !outcome.output.contains("DL3006"))
        try directory.write("other.yaml", "trustedRegistries: [r.example]\n")
        #expect(try directory.thaw("lint", "--config", "other.yaml", "a/Dockerfile").output.contains("DL3026"))
        try directory.write("a/.hadolint.yaml", "ignore: [DL3006]\n")
        let refused = try directory.thaw("lint", "a/Dockerfile")
        #expect(refused.status == 64 && refused.error.contains("unknown key 'ignore'"), "\(refused.error)")
    }

    @Test(
        "shellcheck's findings have the lines of the Dockerfile",
        .enabled(
            if: Program.exists("shellcheck"), "shellcheck is not installed; 'apt-get install shellcheck' installs it"))
    func shellCheck() throws {
        let directory = try TestDirectory()
        try directory.write(
            "Dockerfile", "FROM debian:12\nARG A\nRUN true && \\\n  rm $A\nRUN <<EOF\n\nrm $B -- --version\nEOF\n")
        let outcome = try directory.thaw("lint", "Dockerfile")
        #expect(
            outcome.output.contains("Dockerfile:4: info: ") && outcome.output.contains("Dockerfile:7: "),
            "\(outcome.output)")
        #expect(outcome.output.contains("[SC2086]"))
        #expect(try !directory.thaw("lint", "--no-shellcheck", "Dockerfile").output.contains("SC2086"))
    }

    @Test(
        "shellcheck is started once for all Dockerfiles, and each script keeps its dialect",
        .enabled(
            if: Program.exists("shellcheck"), "shellcheck is not installed; 'apt-get install shellcheck' installs it"))
    func shellCheckOnce() throws {
        let directory = try TestDirectory()
        try directory.write("a", "FROM debian:12\nRUN [[ -n $A ]]\n")
        try directory.write("b", "FROM debian:12\nSHELL [\"/bin/bash\", \"-c\"]\nRUN [[ -n $A ]]\nRUN rm $B\n")
        try directory.write("broken", "RUN true\n")
        let program = try Program.shell("command -v shellcheck", in: directory.path)
        try Program.shell("mkdir bin", in: directory.path)
        try directory.write(
            "bin/shellcheck", "#!/bin/sh\necho start >>'\(directory.path)/starts'\nexec \(program) \"$@\"\n",
            mode: 0o755)
        let path = "\(directory.path)/bin:/usr/bin:/bin"
        let outcome = try directory.thaw("lint", "a", "broken", "b", environment: ["PATH": path])
        #expect(try directory.read("starts") == "start")
        #expect(outcome.output.contains("[SC3010]") && outcome.output.contains("b:4: "), "\(outcome.output)")
        #expect(outcome.output.ranges(of: "[SC3010]").count == 1, "\(outcome.output)")
    }

    @Test("SARIF has the addresses of rules, columns and fixes")
    func sarif() throws {
        let directory = try TestDirectory()
        try directory.write("Dockerfile", "FROM debian:12\nENV ä b\nCMD node app.js\nrun true\n")
        let log = try Document(parsing: directory.thaw("lint", "--format", "sarif", "Dockerfile").output)
        let run = try #require(log["runs"].list.first)
        let rules = run["tool"]["driver"]["rules"].list
        #expect(
            rules.contains {
                $0["helpUri"].text == "https://docs.docker.com/reference/build-checks/json-args-recommended/"
            })
        let fixes = run["results"].list.filter { !$0["fixes"].list.isEmpty }
        #expect(fixes.count == 3)
        let region = fixes.first?["fixes"].list.first?["artifactChanges"].list.first?["replacements"].list.first
        // Column 6 is after the letter, which has two bytes and one UTF-16 unit.
        #expect(region?["deletedRegion"]["startColumn"] == .number(6))
        #expect(region?["insertedContent"]["text"].text == "=b")
    }
}
