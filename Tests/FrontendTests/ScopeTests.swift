import Frontend
import Testing

@Suite("Variables of stages")
struct ScopeTests {
    @Test("An instruction is expanded with the variables before it")
    func snapshot() throws {
        let scope = try finalScope("FROM scratch\nENV a=1\nENV a=2 b=$a\n")
        #expect(scope.value(of: "a") == "2")
        #expect(scope.value(of: "b") == "1")
    }

    @Test(
        "ARG has the build argument, else its default, else the global value",
        arguments: [
            ("ARG G=global\nFROM scratch\nARG G\n", [:], "global"),
            ("ARG G=global\nFROM scratch\nARG G=stage\n", [:], "stage"),
            ("ARG G=global\nFROM scratch\nARG G=stage\n", ["G": "given"], "given"),
            ("FROM scratch\nARG G\n", [:], nil), ("ARG G=global\nFROM scratch\n", [:], nil),
            ("FROM scratch\nARG G=a$H\n", [:], "a"), ("ARG H=1\nARG G=$H$H\nFROM scratch\nARG G\n", [:], "11"),
            ("FROM scratch AS x\nARG G=base\nFROM x\n", [:], "base"),
        ] as [(String, [String: String], String?)])
    func arguments(text: String, given: [String: String], expected: String?) throws {
        #expect(try finalScope(text, arguments: given).value(of: "G") == expected)
    }

    @Test("ARG after ENV wins at build time only, and ENV after ARG wins everywhere")
    func lastWriter() throws {
        let late = try finalScope("FROM scratch\nENV a=env\nARG a=arg\n")
        #expect(late.value(of: "a") == "arg")
        #expect(late.configEnvironment.contains(Variable("a", "env")))
        let early = try finalScope("FROM scratch\nARG a=arg\nENV a=env\n")
        #expect(early.value(of: "a") == "env")
    }

    @Test("The config keeps the order of first definition, and has a default PATH")
    func order() throws {
        let scope = try finalScope("FROM x\nENV b=1 a=2\nENV b=3\nARG z=1\n", environment: ["HOME=/h"])
        #expect(scope.configEnvironment.map(\.description) == ["HOME=/h", "PATH=\(Scope.defaultPath)", "b=3", "a=2"])
        #expect(scope.runEnvironment.map(\.name) == ["HOME", "PATH", "b", "a", "z"])
    }

    @Test("History lists every ARG once with its latest value")
    func history() throws {
        let text = "FROM scratch AS a\nARG ONE=1\nFROM a\nARG TWO\nARG TARGETARCH\nENV ONE=x\nARG ONE\n"
        let scope = try finalScope(text)
        #expect(scope.historyArguments == ["|3", "ONE=x", "TWO=", "TARGETARCH=amd64"])
        #expect(
            CreatedBy.run(["/bin/sh", "-c", "make"], arguments: scope.historyArguments)
                == "RUN |3 ONE=x TWO= TARGETARCH=amd64 /bin/sh -c make # buildkit")
    }

    @Test("RUN has proxy variables in both letter cases, without ARG")
    func proxies() {
        let arguments = BuildArguments(values: ["http_proxy": "p", "NO_PROXY": "n"], build: host)
        #expect(
            arguments.proxyEnvironment.map(\.description) == [
                "HTTP_PROXY=p", "http_proxy=p", "NO_PROXY=n", "no_proxy=n",
            ])
    }

    @Test("Platform arguments are defined in FROM and can be overridden")
    func platforms() throws {
        let file = try parse("FROM --platform=$BUILDPLATFORM a-$TARGETARCH:$TARGETSTAGE\n")
        let arm = PlatformArguments(os: "linux", architecture: "arm", variant: "v7")
        let global = try GlobalScope(
            file, BuildArguments(values: ["TARGETARCH": "mine"], build: host, target: arm, targetStage: "t"))
        #expect(try global.expand(file.stages[0].base) == "a-mine:t")
        #expect(global.values["TARGETPLATFORM"] == "linux/arm/v7")
        #expect(try StageGraph(file, global).platforms == ["linux/amd64"])
    }

    @Test(
        "TARGETSTAGE is the target, else the name of the last stage",
        arguments: [
            ("FROM a AS x\nFROM b AS y\n", nil, "y"), ("FROM a\n", nil, "default"), ("FROM a AS x\n", "0", "0"),
        ] as [(String, String?, String)])
    func targetStage(text: String, target: String?, value: String) throws {
        let global = try GlobalScope(parse(text), BuildArguments(build: host, targetStage: target))
        #expect(global.values["TARGETSTAGE"] == value)
    }

    @Test("A heredoc expands variables and escapes and keeps its quotes")
    func heredocs() throws {
        let file = try parse("FROM scratch\nENV a=1\nCOPY <<A <<'B' <<-C /x/\n\"$a\" \\$a ${u}|\nA\n$a\nB\n\t$a\nC\n")
        let scope = try finalScope("FROM scratch\nENV a=1\n")
        guard case .copy(let copy) = file.stages[0].instructions[1].value else { throw Missing() }
        #expect(try copy.transfer.heredocs.map { try scope.contents(of: $0) } == ["\"1\" $a |\n", "$a\n", "1\n"])
        #expect(copy.transfer.heredocs.map(\.name) == ["A", "B", "C"])
    }

    @Test("EXPOSE lists the ports of ranges and lower-cases transports")
    func ports() throws {
        let file = try parse("FROM scratch\nEXPOSE 90 80-82/TCP 127.0.0.1:1:53/udp $p\n")
        guard case .expose(let expose) = file.stages[0].instructions[0].value else { throw Missing() }
        let scope = try finalScope("FROM scratch\nENV p=\"7 8/sctp\"\n")
        #expect(
            try scope.ports(expose).map(\.text)
                == ["7/tcp", "8/sctp", "53/udp", "80/tcp", "81/tcp", "82/tcp", "90/tcp"])
    }
}

@Suite("Words of EXPOSE")
struct ExposeTests {
    /// A word, and its ports, or the end of the error.
    static let words: [(String, String)] = [
        ("80", "80/tcp"), ("1.2.3.4:80:80", "80/tcp"), ("8080:80/udp", "80/udp"), ("1.2.3.4::80", "80/tcp"),
        ("[::1]:80:80", "80/tcp"), ("::1:80:80", "80/tcp"), ("[2001:db8::1]:1:2", "2/tcp"),
        ("[::ffff:1.2.3.4]:1:2", "2/tcp"), ("1-2:3-4", "3/tcp 4/tcp"),
        ("localhost:80:80", "invalid IP address: localhost: EXPOSE takes no host names; write EXPOSE 80"),
        ("1.2.3.400:80:80", "invalid IP address: 1.2.3.400: EXPOSE takes no host names; write EXPOSE 80"),
        ("[1:2]:80:80", "invalid IP address: [1:2]: EXPOSE takes no host names; write EXPOSE 80"),
        ("localhost:80", "invalid hostPort: localhost"), ("80:", "no port specified: 80:<empty>"),
    ]

    @Test("have an optional IP address and host port, which are checked", arguments: words)
    func checked(word: String, result: String) throws {
        do {
            let file = try parse("FROM scratch\nEXPOSE \(word)\n")
            guard case .expose(let expose) = file.stages[0].instructions[0].value else { throw Missing() }
            let ports = try finalScope("FROM scratch\n").ports(expose)
            #expect(ports.map(\.text).joined(separator: " ") == result)
        } catch let error as DockerfileError {
            #expect(error.diagnostics.map(\.message) == [result])
        }
    }
}

struct Missing: Error {}
