import Harness
import Testing

/// The mistakes that people make on the command line and in files: one sentence with the place, advice, and the status.
///
/// The mistakes about registries are rows of ``FailureTests`` of Jobs and of RegistryTests; those about a start are in
/// ``BootCaseTests``, those about a machine that lacks something in ``RootlessTests`` and UnprivilegedContainerTests.
@Suite struct MistakeTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        /// The words of the list of mistakes.
        let id: String
        /// A script that makes files in the directory of the project.
        var files = "true"
        let words: [String]
        var status: Int32 = 64
        /// The lines of the message, from `thaw: ` on; empty for success.
        var lines: [String] = []

        var testDescription: String { id }
    }

    private static func build(_ id: String, _ files: String, _ status: Int32, _ lines: String...) -> Mistake {
        Mistake(id: id, files: files, words: ["build", "-q", "."], status: status, lines: lines)
    }

    private static func gate(_ id: String, _ project: String, _ lines: String...) -> Mistake {
        Mistake(id: id, files: "printf '\(project)' >thaw.toml", words: ["gate", "x"], lines: lines)
    }

    static let commands = [
        Mistake(
            id: "run --rm x", words: ["run", "--rm", "x"],
            lines: [
                "thaw: thaw does not run containers as services",
                "      'thaw boot IMAGE --probe http:PORT/ --keep' starts an image",
            ]),
        Mistake(id: "image ls", words: ["image", "ls"], status: 0),
        Mistake(id: "info", words: ["info"], status: 0),
        Mistake(
            id: "help nope", words: ["help", "nope"],
            lines: ["thaw: there is no command 'nope'", "      'thaw --help' lists the commands"]),
        Mistake(
            id: "biuld .", words: ["biuld", "."],
            lines: [
                "thaw: there is no command 'biuld' (did you mean build?)", "      'thaw --help' lists the commands",
            ]),
        Mistake(id: "build without a context", files: "echo FROM x >Dockerfile", words: ["build", "-q"], status: 0),
        Mistake(id: "build -tx .", files: "echo FROM x >Dockerfile", words: ["build", "-qty", "."], status: 0),
        Mistake(
            id: "build --no-cache=false .", files: "echo FROM x >Dockerfile",
            words: ["build", "-q", "--no-cache=false", "."], status: 0),
        Mistake(
            id: "build --pull .", files: "echo FROM x >Dockerfile", words: ["build", "-q", "--pull", "."], status: 0),
        Mistake(id: "images -q", words: ["images", "-q"], status: 0),
        Mistake(id: "inspect --format", words: ["inspect", "--format", "{{.Id}}", "x"], status: 0),
        Mistake(id: "slim x --explain /y", words: ["slim", "x", "--explain", "/y"], status: 0),
        Mistake(
            id: "slim x -t x", words: ["slim", "x", "-t", "x"],
            lines: [
                "thaw: the slim image would replace its source 'x:latest'", "      add -t NAME, or --replace",
            ]),
        Mistake(
            id: "gate x without thaw.toml", words: ["gate", "x"],
            lines: [
                "thaw: there is no 'thaw.toml', so there are no budgets",
                "      'thaw init' writes a thaw.toml with budgets; --profile and --baseline check without one",
            ]),
        Mistake(
            id: "boot --probe 8080", words: ["boot", "x", "--probe", "8080"],
            lines: [
                "thaw: probe '8080' cannot be read: it must begin with http:, tcp:, exec: or log:; write tcp:8080, or http:8080/"
            ]),
        Mistake(
            id: "boot --memory 128", words: ["boot", "x", "--probe", "tcp:80", "--memory", "128"],
            lines: ["thaw: 128 bytes of memory are too few", "      give a unit: 128m is 128 MiB"]),
        Mistake(
            id: "optimize nope", words: ["optimize", "nope"], status: 1,
            lines: [
                "thaw: image nope:latest is not in the store STORE",
                "      'thaw images' lists the images of the store; 'thaw load -i FILE' adds one",
            ]),
        Mistake(
            id: "optimize -o -", files: "echo FROM x >Dockerfile", words: ["optimize", "-o", "-"],
            lines: [
                "thaw: -o names the directory of the report, which has two files",
                "      -o DIR, then read DIR/report.json",
            ]),
    ]

    static let files = [
        build(
            "no Dockerfile", "true", 64, "thaw: there is no Dockerfile at './Dockerfile'", "      name it with -f FILE"),
        build(
            "Dockerfile in another folder", "mkdir a b; echo FROM x >a/Dockerfile; echo FROM x >Dockerfile.dev", 64,
            "thaw: there is no Dockerfile at './Dockerfile'", "      name one with -f: Dockerfile.dev, a/Dockerfile"),
        build(
            "FORM", "echo FORM x >Dockerfile", 1,
            "thaw: Dockerfile:1:1: unknown instruction: FORM (did you mean FROM?)", "  1 | FORM x", "    | ^"),
        build("RUN without a command, which BuildKit accepts", "printf 'FROM x\\nRUN\\n' >Dockerfile", 0),
        build(
            "COPY a", "printf 'FROM x\\nCOPY a\\n' >Dockerfile", 1,
            "thaw: Dockerfile:2:1: COPY requires at least two arguments, but only one was provided. Destination could not be determined",
            "  2 | COPY a", "    | ^"),
        build(
            "COPY outside the context", "printf 'FROM x\\nCOPY ../a /\\n' >Dockerfile", 1,
            "thaw: Dockerfile:2: \"/../a\": not found in the source",
            "      nothing above the context can be copied; build from the directory above with -f, or add --build-context"
        ),
        build(
            "COPY of an ignored file", "printf 'FROM x\\nCOPY a /\\n' >Dockerfile; echo a >a; echo a >.dockerignore", 1,
            "thaw: Dockerfile:2: \"/a\": the pattern 'a' of .dockerignore:1 excludes it"),
        Mistake(
            id: "misspelt stage in --target", files: "printf 'FROM x AS build\\n' >Dockerfile",
            words: ["build", "-q", "--target", "biuld", "."], status: 1,
            lines: ["thaw: Dockerfile: target stage \"biuld\" could not be found (did you mean build?)"]),
        build(
            "ARG without a value in FROM", "printf 'ARG V\\nFROM x:$V\\n' >Dockerfile", 1,
            "thaw: Dockerfile:2:6: FROM x:$V has no image: V has no value; write ARG V=VALUE in line 1, or give --build-arg V=VALUE",
            "  2 | FROM x:$V", "    |      ^"),
        build(
            "base that isn't there", "echo FROM nosuch:1 >Dockerfile", 1,
            "thaw: Dockerfile:1: image 'nosuch:1' is not in the store",
            "      add it with 'thaw load -i FILE' or 'thaw copy oci:DIR:TAG nosuch:1'"),
        build(
            "typo in a flag", "printf 'FROM x\\nCOPY --chwon=1 a /\\n' >Dockerfile", 1,
            "thaw: Dockerfile:2:6: unknown flag: --chwon (did you mean chown?)", "  2 | COPY --chwon=1 a /",
            "    |      ^"),
        build(
            "heredoc without end", "printf 'FROM x\\nRUN <<EOF\\necho a\\n' >Dockerfile", 1,
            "thaw: Dockerfile:2:5: unterminated heredoc: no line \"EOF\" ends it", "  2 | RUN <<EOF", "    |     ^"),
        build(
            "secret missing",
            "printf 'FROM x\\nRUN --mount=type=secret,id=a,required=true true\\n' >Dockerfile", 1,
            "thaw: Dockerfile:2: the secret 'a' is required; give it with --secret id=a,src=FILE or env=VARIABLE"),
        build(
            "ssh agent missing", "printf 'FROM x\\nRUN --mount=type=ssh,required=true true\\n' >Dockerfile", 1,
            "thaw: Dockerfile:2: the SSH agent 'default' is required; give it with --ssh default=SOCKET or KEY"),
        Mistake(
            id: "git context misspelt", words: ["build", "-q", "https://localhost:1/x.git"], status: 1,
            lines: [
                "thaw: cannot fetch 'https://localhost:1/x.git': fatal: unable to access 'https://localhost:1/x.git/': "
                    + "Failed to connect to localhost port 1 after 0 ms: Couldn't connect to server"
            ]),
        gate(
            "thaw.toml with an unknown key", "[budget]\\nsise = 1\\n",
            "thaw: thaw.toml:2: unknown key 'budget.sise' (did you mean size?)"),
        gate(
            "thaw.toml with a wrong unit", "[budget]\\nsize = \"1XB\"\\n",
            "thaw: thaw.toml:2: 'budget.size': '1XB' is not a size such as 60MB, 256MiB or 60000000"),
        gate(
            "thaw.toml with a wrong type", "[budget]\\nlayers = \"x\"\\n",
            "thaw: thaw.toml:2: 'budget.layers': it must be a whole number of 1 or more"),
        gate(
            "thaw.toml with two probes", "[probe]\\nhttp = \"80/\"\\ntcp = 80\\n",
            "thaw: thaw.toml:3: [probe] has http and tcp, but only one probe is allowed"),
        Mistake(
            id: "wrangler.jsonc without an image",
            files: "echo FROM x >Dockerfile; echo '{\"containers\": [{\"class_name\": \"A\"}]}' >wrangler.jsonc",
            words: ["optimize"],
            lines: [
                "thaw: wrangler.jsonc: the container A has no 'image'",
                "      add image = \"./Dockerfile\", or the name of an image",
            ]),
        Mistake(
            id: "wrangler.jsonc with an image that isn't there",
            files: """
                echo '{"containers": [{"class_name": "A", "image": "./web/Dockerfile"}]}' >wrangler.jsonc
                """, words: ["init"],
            lines: [
                "thaw: wrangler.jsonc: the container A has image \"./web/Dockerfile\", and there is no such file",
                "      name a Dockerfile relative to wrangler.jsonc, or an image of a registry",
            ]),
        Mistake(
            id: "wrangler.jsonc with an unknown instance type",
            files: """
                echo FROM x >Dockerfile
                echo '{"containers": [{"name": "A", "image": "Dockerfile", "instance_type": "bsic"}]}' >wrangler.jsonc
                """, words: ["init"],
            lines: [
                "thaw: wrangler.jsonc: cloudflare-containers has no instance type 'bsic' (did you mean basic?)",
                "      it has lite, basic, standard-1, standard-2, standard-3, standard-4 (2026-11-30)",
            ]),
        Mistake(
            id: "wrangler.jsonc with a comment and a trailing comma",
            files: """
                echo FROM x >Dockerfile
                echo '{"containers": [/* c */ {"class_name": "A", "image": "./Dockerfile",},],}' >wrangler.jsonc
                """, words: ["init"], status: 0),
    ]

    /// A store with the image `x`, shared by all rows, since none of them changes it.
    private static let shared = Result {
        let directory = try TestDirectory.withBusybox()
        try directory.succeed("tag", "busybox", "x")
        return directory
    }

    @Test("A mistake gets its sentence, its advice and its status", arguments: commands + files)
    func mistake(mistake: Mistake) throws {
        let (project, images) = try (TestDirectory(), Self.shared.get())
        try Program.shell("mkdir project; cd project; \(mistake.files)", in: project.path)
        let words = [Binary.path, "--store", images.store] + mistake.words
        let outcome = try Program.run(words, in: "\(project.path)/project")
        #expect(outcome.status == mistake.status, "\(outcome.error)")
        let lines = outcome.stderrLines.map { $0.replacing(images.store, with: "STORE") }
        #expect(lines == mistake.lines, "\(outcome.error)")
    }

    /// Scripts that run `$thaw` in the project, with a part of what they print on stderr.
    static let scripts: [(id: String, status: Int32, script: String, text: String)] = [
        (
            "misspelt stage in --from", 1,
            "printf 'FROM x AS build\\nFROM x\\nCOPY --from=biuld /a /b\\n' >Dockerfile; $thaw build .",
            "note: Dockerfile:3: no stage is called 'biuld' (did you mean build?)"
        ),
        (
            "JSON form with single quotes", 0,
            "printf \"FROM x\\\\nCMD ['a', 'b']\\\\n\" >Dockerfile; $thaw build .",
            "Write CMD with double quotes, as a JSON array [JSONArgsRecommended]"
        ),
        (
            "ENTRYPOINT in shell form with CMD", 0,
            "printf 'FROM x\\nENTRYPOINT sleep\\nCMD [\"1\"]\\n' >Dockerfile; $thaw build .",
            "Write ENTRYPOINT [\"sleep\"]"
        ),
        (
            "CRLF script", 1,
            "printf '#!/bin/sh\\r\\n' >s; chmod +x s; printf 'FROM x\\nCOPY s /\\nRUN /s\\n' >Dockerfile; $thaw build .",
            "note: Dockerfile:2: the line ends of the script '/s' are CR LF"
        ),
        (
            "base of another architecture", 3,
            "printf 'FROM --platform=linux/arm64 x\\nRUN true\\n' >Dockerfile; $thaw build .",
            "no emulator is registered for it"
        ),
        (
            "tar context cut off", 1, "head -c 60000 /dev/urandom >r; tar cz r | head -c 20000 | $thaw build -",
            "thaw: cannot read archive 'standard input': its gzip data ends early, is damaged, or holds no tar"
        ),
        (
            "stdout closed", 0, "$thaw images | head -c 1 >/dev/null; exit ${PIPESTATUS[0]}", ""
        ),
        ("terminal 20 columns wide", 0, "COLUMNS=20 $thaw images", ""),
        ("store read-only", 1, "$thaw --store /proc/none images", "choose another store with --store or THAW_STORE"),
        (
            "git context of an unknown host", 1, "$thaw build git@nohost.invalid:x/y.git",
            "ssh: Could not resolve hostname nohost.invalid"
        ),
    ]

    @Test("A mistake that a script makes gets its advice and status", arguments: scripts)
    func script(id: String, status: Int32, script: String, text: String) throws {
        let (project, images) = try (TestDirectory(), Self.shared.get())
        let outcome = try Program.run(
            ["bash", "-c", script], in: project.path,
            environment: ["thaw": Binary.path, "THAW_STORE": images.store])
        #expect(outcome.status == status, "\(id): \(outcome.error)")
        #expect(outcome.error.contains(text), "\(id): \(outcome.error)")
    }
}
