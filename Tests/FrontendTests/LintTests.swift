import Frontend
import Testing

@Suite("Lint")
struct LintTests {
    static func findings(_ text: String, _ facts: ImageFacts = ImageFacts()) throws -> [LintFinding] {
        var options = Lint.Options(arguments: BuildArguments(build: host))
        options.facts = facts
        return Lint.check(try parse(text), options)
    }

    @Test(
        "reports the violation of a rule on its line",
        arguments: [
            ("StageNameCasing", 1, "FROM a:1 AS Build\n"), ("FromAsCasing", 1, "FROM a:1 as build\n"),
            ("NoEmptyContinuation", 3, "FROM a:1\nRUN a \\\n\n  b\n"),
            ("ConsistentInstructionCasing", 3, "FROM a:1\nRUN a\nrun b\nUSER x\n"),
            ("DuplicateStageName", 2, "FROM a:1 AS x\nFROM b:1 AS x\n"),
            ("DL3024", 2, "FROM a:1 AS x\nFROM b:1 AS x\n"),
            ("ReservedStageName", 1, "FROM a:1 AS context\n"), ("JSONArgsRecommended", 2, "FROM a:1\nCMD a b\n"),
            ("MaintainerDeprecated", 2, "FROM a:1\nMAINTAINER me\n"), ("UndefinedArgInFrom", 1, "FROM a:$TAG\n"),
            ("WorkdirRelativePath", 2, "FROM a:1\nWORKDIR x\n"), ("UndefinedVar", 2, "FROM a:1\nCOPY $foo .\n"),
            ("MultipleInstructionsDisallowed", 2, "FROM a:1\nCMD [\"a\"]\nCMD [\"b\"]\n"),
            ("LegacyKeyValueFormat", 2, "FROM a:1\nENV a b\n"),
            ("RedundantTargetPlatform", 1, "FROM --platform=$TARGETPLATFORM a:1\n"),
            ("SecretsUsedInArgOrEnv", 2, "FROM a:1\nARG AWS_SECRET_KEY\n"),
            ("SecretsUsedInArgOrEnv", 2, "FROM a:1\nENV DB_PASSWORD=x\n"),
            ("InvalidDefaultArgInFrom", 2, "ARG TAG\nFROM a:$TAG\n"),
            ("FromPlatformFlagConstDisallowed", 1, "FROM --platform=linux/amd64 a:1\n"),
            ("InvalidDefinitionDescription", 3, "# check=experimental=all\n# wrong\nFROM a:1 AS x\n"),
            ("ExposeProtoCasing", 2, "FROM a:1\nEXPOSE 80/TCP\n"),
            ("ExposeInvalidFormat", 2, "FROM a:1\nEXPOSE 1.2.3.4:80:80\n"),
            ("DL3000", 2, "FROM a:1\nWORKDIR x\n"), ("DL3001", 2, "FROM a:1\nRUN service x start\n"),
            ("DL3002", 2, "FROM a:1\nUSER root\n"), ("DL3003", 2, "FROM a:1\nRUN cd /x && make\n"),
            ("DL3004", 2, "FROM a:1\nRUN sudo make\n"), ("DL3006", 1, "FROM a\n"), ("DL3007", 1, "FROM a:latest\n"),
            ("DL3008", 2, "FROM a:1\nRUN apt-get install -y x\n"), ("DL3009", 2, "FROM a:1\nRUN apt-get update\n"),
            ("DL3013", 2, "FROM a:1\nRUN pip install flask\n"), ("DL3014", 2, "FROM a:1\nRUN apt-get install x=1\n"),
            ("DL3015", 2, "FROM a:1\nRUN apt-get install -y x=1\n"), ("DL3016", 2, "FROM a:1\nRUN npm install -g x\n"),
            ("DL3018", 2, "FROM a:1\nRUN apk add --no-cache x\n"), ("DL3019", 2, "FROM a:1\nRUN apk add x=1\n"),
            ("DL3020", 2, "FROM a:1\nADD file /x\n"), ("DL3021", 2, "FROM a:1\nCOPY a b /x\n"),
            ("DL3022", 2, "FROM a:1\nCOPY --from=x a b\n"), ("DL3023", 2, "FROM a:1 AS x\nCOPY --from=x a b\n"),
            ("DL3025", 2, "FROM a:1\nENTRYPOINT a\n"), ("DL3027", 2, "FROM a:1\nRUN apt install x\n"),
            ("DL3028", 2, "FROM a:1\nRUN gem install x\n"), ("DL3029", 1, "FROM --platform=linux/amd64 a:1\n"),
            ("DL3030", 2, "FROM a:1\nRUN yum install x-1\n"), ("DL3032", 2, "FROM a:1\nRUN yum install -y x-1\n"),
            ("DL3033", 2, "FROM a:1\nRUN yum install -y x && yum clean all\n"),
            ("DL3034", 2, "FROM a:1\nRUN zypper install x=1\n"),
            ("DL3038", 2, "FROM a:1\nRUN dnf install x-1\n"), ("DL3040", 2, "FROM a:1\nRUN dnf install -y x-1\n"),
            ("DL3042", 2, "FROM a:1\nRUN pip install x==1\n"), ("DL3044", 2, "FROM a:1\nENV A=1 B=$A\n"),
            ("DL3045", 2, "FROM a:1\nCOPY a b\n"), ("DL3046", 2, "FROM a:1\nRUN useradd -u 123456 x\n"),
            ("DL3047", 2, "FROM a:1\nRUN wget https://x/y\n"), ("DL3059", 3, "FROM a:1\nRUN a\nRUN b\n"),
            ("DL4000", 2, "FROM a:1\nMAINTAINER me\n"), ("DL4001", 3, "FROM a:1\nRUN wget -q x\nRUN curl x\n"),
            ("DL4003", 2, "FROM a:1\nCMD [\"a\"]\nCMD [\"b\"]\n"),
            ("DL4004", 2, "FROM a:1\nENTRYPOINT [\"a\"]\nENTRYPOINT [\"b\"]\n"),
            ("DL4005", 2, "FROM a:1\nRUN ln -sf /bin/bash /bin/sh\n"), ("DL4006", 2, "FROM a:1\nRUN a | b\n"),
            ("DL3008", 2, "FROM a:1\nRUN apt-get install -y -t x a=1 $(cat l; true) b\n"),
            ("DL3004", 2, "FROM a:1\nONBUILD RUN sudo x\n"),
            ("DL3009", 2, "FROM a:1 AS b\nRUN apt-get update\nFROM b\n"),
            ("StageReference", 2, "FROM a:1\nCOPY --from=y a b\nFROM b:1 AS y\n"),
            ("TriggerInvalid", 2, "FROM a:1\nONBUILD COPY a\n"),
        ])
    func finds(rule: String, line: Int, text: String) throws {
        let found = try Self.findings(text)
        #expect(found.contains { $0.names.contains(rule) && $0.lines.lowerBound == line }, "\(found.map(\.rule))")
    }

    static let digest = String(repeating: "0", count: 64)

    @Test(
        "reports nothing for a correct file",
        arguments: [
            "FROM a:1 AS build\nWORKDIR /x\nCOPY a ./\nCMD [\"a\"]\n",
            "FROM a@sha256:\(digest)\nRUN apt-get update && apt-get install -y --no-install-recommends x=1 && rm -rf /var/lib/apt/lists/*\n",
            "ARG V=1\nFROM a:${V} AS x\nFROM x\nUSER 5\n",
            "FROM scratch\nADD --checksum=sha256:\(digest) https://x/y /z\nADD a.tar.gz /\n",
            "FROM a:1\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN a | b\n", "FROM a:1\nRUN a || b\n",
            "FROM a:1 AS b\nRUN apt-get update && x\nFROM c:1\nCOPY --from=b x /y\n",
            "FROM a:1\nRUN apt-get install -y --no-install-recommends -t x a=1 $(cat l)\n",
            "FROM a:1\nRUN a && b\nRUN c\n", "FROM a:1\nRUN a\nRUN --network=none b\n",
            "FROM a:1\nRUN --mount=type=cache,target=/root/.cache pip install -r requirements.txt\n",
            "FROM a:1\nARG PUBLIC_KEY\nENV TOKEN_FILE=/x\n", "FROM a:1\nENV A=1\nENV B=$A$PYTHON_VERSION\n",
            "FROM --platform=$BUILDPLATFORM a:1\n", "FROM a:1\nEXPOSE 80 81/udp\n",
            "FROM a:1\nRUN echo 'sudo | apt install' # | sudo\n", "FROM a:1\nRUN npm ci\nUSER 5\nRUN npm install\n",
        ])
    func isSilent(text: String) throws { #expect(try Self.findings(text) == []) }

    @Test(
        "ignores the rules of comments and directives",
        arguments: [
            ("JSONArgsRecommended", "# check=skip=JSONArgsRecommended\nFROM a:1\nCMD a\n"),
            ("JSONArgsRecommended", "# check=skip=all\nFROM a:1\nCMD a\n"),
            ("JSONArgsRecommended", "FROM a:1\n# check=skip=JSONArgsRecommended\nCMD a\n"),
            ("DL3025", "FROM a:1\n# hadolint ignore=DL3025,DL3000\nCMD a\n"),
            ("DL3025", "# hadolint global ignore=DL3025\nFROM a:1\nCMD a\n"),
            ("DL3006", "# hadolint ignore=DL3006\nFROM a\n"),
            ("InvalidDefinitionDescription", "# wrong\nFROM a:1 AS x\n"),
        ])
    func isSilenced(rule: String, text: String) throws {
        #expect(try Self.findings(text).contains { $0.names.contains(rule) } == false)
    }

    @Test("A comment applies to one instruction only")
    func silencesOne() throws {
        let found = try Self.findings("FROM a:1\n# hadolint ignore=DL3003\nRUN cd /x\nUSER a\nRUN cd /y\n")
        #expect(found.filter { $0.names.contains("DL3003") }.map(\.lines) == [5...5])
    }

    @Test(
        "applies the fixes that cannot change the image, and no others",
        arguments: [
            ("FROM a:1 as Build\n", "FROM a:1 AS build\n"), ("FROM a:1\nrun x\nRUN y\n", "FROM a:1\nRUN x\nRUN y\n"),
            ("FROM a:1\nRUN a \\\n\n  b\n", "FROM a:1\nRUN a \\\n  b\n"),
            ("FROM a:1\nENV a b c\n", "FROM a:1\nENV a=\"b c\"\n"),
            ("FROM a:1\nCMD node x.js\n", "FROM a:1\nCMD node x.js\n"),
            ("FROM a:1\nCMD a && b\n", "FROM a:1\nCMD a && b\n"),
            ("FROM a:1\nMAINTAINER me\n", "FROM a:1\nMAINTAINER me\n"),
            ("FROM --platform=$TARGETPLATFORM a:1\n", "FROM a:1\n"),
            ("FROM a:1\nEXPOSE 80/TCP\n", "FROM a:1\nEXPOSE 80/tcp\n"),
            ("FROM a:1\nADD x /y\n", "FROM a:1\nADD x /y\n"),
            (
                "FROM a:1\nRUN apt-get update && \\\n  apt-get install x\n",
                "FROM a:1\nRUN apt-get update && \\\n  apt-get install -y x\n"
            ),
            ("FROM a:1\nRUN pip3 install x\n", "FROM a:1\nRUN pip3 install x\n"),
            ("FROM a:1\nRUN apk add x\n", "FROM a:1\nRUN apk add x\n"),
            ("FROM a:1\r\ncmd [\"a\"]\r\n", "FROM a:1\r\nCMD [\"a\"]\r\n"),
        ])
    func fixes(before: String, after: String) throws {
        let fixed = Lint.applying(try Self.findings(before), to: Array(before.utf8))
        #expect(String(decoding: fixed, as: UTF8.self) == after)
    }

    @Test("Messages say what happens, with did-you-mean")
    func messages() throws {
        let found = try Self.findings("ARG VERSION=1\nFROM a:$VERSOIN\nENV NAME=1\nCOPY $NAEM .\n").map(\.message)
        #expect(found.contains("FROM a:$VERSOIN has no image: VERSOIN is not set (did you mean VERSION?)"))
        #expect(found.contains("$NAEM is not set (did you mean $NAME?)"))
    }

    @Test("Bytes that are not UTF-8 are reported, and the file is never edited")
    func notText() throws {
        let bytes = Array("FROM a:1\nrun x\nRUN ".utf8) + [0xFF, 0x0A] + Array("RUN y\n".utf8)
        let file = try Dockerfile(parsing: bytes, name: "D")
        let found = Lint.check(file, Lint.Options(arguments: BuildArguments(build: host)))
        #expect(found.contains { $0.rule == "NotUTF8" && $0.lines == 3...3 })
        #expect(Lint.applying(found, to: bytes) == bytes)
    }

    @Test("The syntax errors of a file are findings")
    func unreadable() {
        let error = #expect(throws: DockerfileError.self) { try parse("FROM a:1\nRUNN x\nCOPY y\n") }
        let found = error.map(Lint.findings(for:)) ?? []
        #expect(found.map(\.rule) == ["SyntaxError", "SyntaxError"])
        #expect(found.map(\.lines) == [2...2, 3...3])
        #expect(found.allSatisfy { $0.severity == .error })
    }

    @Test("# check=error=true makes findings fatal")
    func fatal() throws {
        let options = Lint.Options(arguments: BuildArguments(build: host))
        #expect(Lint.failsOnFinding(try parse("# check=error=true\nFROM a\n"), options))
        #expect(!Lint.failsOnFinding(try parse("FROM a\n"), options))
    }

    @Test("JSON escapes strings")
    func renders() throws {
        let found = try Self.findings("FROM a:1\nCMD a\n").filter { $0.names.contains("DL3025") }
        let json = Lint.json([("a\"b", found)])
        #expect(json.hasPrefix("[\n  { \"rule\": \"JSONArgsRecommended\", \"severity\": \"warning\", \"message\": \""))
        #expect(
            json.contains(
                "\"file\": \"a\\\"b\", \"startLine\": 2, \"endLine\": 2, \"fix\": \"write CMD [\\\"a\\\"]\", \"otherNames\": [\"DL3025\"]"
            ))
        #expect(Lint.json([("x", [])]) == "[]\n")
    }
}

@Suite("Lint with facts about the image")
struct ImageLintTests {
    static func facts(_ fill: (inout ImageFacts) -> Void) -> ImageFacts {
        var facts = ImageFacts()
        var base = ImageFacts.Base()
        base.users = ["root", "nobody"]
        base.groups = ["root", "nogroup"]
        base.environment = [Variable("PATH", "/bin"), Variable("LANG", "C")]
        base.workingDirectory = "/srv"
        base.platform = host
        facts.bases[0] = base
        fill(&facts)
        return facts
    }

    static func rules(_ text: String, _ fill: (inout ImageFacts) -> Void = { _ in }) throws -> [String] {
        try LintTests.findings(text, facts(fill)).filter { $0.severity >= .warning }.map(\.rule)
    }

    @Test(
        "USER and --chown names must exist",
        arguments: [
            ("FROM a:1\nUSER app\n", ["UserUnknown"]), ("FROM a:1\nUSER nobody\n", []),
            ("FROM a:1\nUSER 1000:1000\n", []),
            ("FROM a:1\nRUN useradd app\nUSER app\n", []), ("FROM a:1\nUSER nobody:staff\n", ["UserUnknown"]),
            ("FROM a:1\nCOPY --chown=app a /b\n", ["ChownUnresolved"]),
            ("FROM a:1\nCOPY --chown=nobody:nogroup a /b\n", []),
            ("FROM a:1 AS x\nRUN adduser app\nFROM x\nUSER app\n", []), ("FROM scratch\nUSER app\n", ["UserUnknown"]),
        ])
    func names(text: String, expected: [String]) throws { #expect(try Self.rules(text) == expected) }

    @Test("Variables and working directory of the base are known")
    func environment() throws {
        #expect(try Self.rules("FROM a:1\nENV A=$LANG\n") == [])
        #expect(try Self.rules("FROM a:1\nENV A=$PYTHON_VERSION\n") == ["UndefinedVar"])
        let found = try LintTests.findings("FROM a:1\nWORKDIR x\n", Self.facts { _ in })
        #expect(found.contains { $0.fix == "write WORKDIR /srv/x" })
        #expect(try Self.rules("FROM --platform=linux/arm64 a:1\n").contains("InvalidBaseImagePlatform"))
    }

    @Test("The entrypoint must exist and be executable")
    func entrypoint() throws {
        let text = "FROM a:1\nENTRYPOINT [\"/app\"]\n"
        #expect(try Self.rules(text) { $0.file = { _, _ in .missing } } == ["EntrypointMissing"])
        #expect(
            try Self.rules(text) { $0.file = { _, path in path == "/app" ? .notExecutable : nil } } == [
                "EntrypointNotExecutable"
            ])
        #expect(try Self.rules(text) { $0.file = { _, _ in .executable } } == [])
    }

    @Test("Rewritten files and caches are counted in bytes")
    func layers() throws {
        let layer = ImageFacts.BuiltLayer(
            stage: 0, line: 2, rewrites: [.init(path: "/a", byteCount: 70), .init(path: "/b", byteCount: 7)],
            leftovers: [.init(path: "/var/lib/apt/lists/x", byteCount: 5)])
        let found = try LintTests.findings("FROM a:1\nRUN chown x /a\n", Self.facts { $0.layers = [layer] })
        #expect(found.map(\.rule) == ["PackageCacheLeft", "RewrittenFiles"])
        #expect(found.contains { $0.message.contains("/a and 1 more") && $0.message.hasSuffix(": 77 bytes") })
    }

    @Test("Entries that .dockerignore should exclude, and sources of COPY that it excludes, are reported")
    func context() throws {
        let entries = [
            ImageFacts.RewrittenFile(path: ".git", byteCount: 9), ImageFacts.RewrittenFile(path: "src", byteCount: 1),
        ]
        let text = "FROM a:1\nCOPY . /x\n"
        #expect(try Self.rules(text) { $0.contextEntries = entries } == ["ContextNotIgnored"])
        let rules = try IgnoreRules(parsing: Array(".git\nsrc\n".utf8))
        #expect(
            try Self.rules(text) {
                $0.contextEntries = entries; $0.ignoreRules = rules
            } == [])
        #expect(try Self.rules("FROM a:1\nCOPY src/a /x\n") { $0.ignoreRules = rules } == ["CopyIgnoredFile"])
    }
}
