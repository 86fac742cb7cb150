import Frontend
import Testing

@Suite("Instructions")
struct InstructionTests {
    static func instruction(_ text: String) throws -> Instruction {
        try #require(try parse("FROM scratch\n\(text)\n").stages[0].instructions.first).value
    }

    static func body(_ text: String) throws -> Instruction.Run.Body {
        guard case .run(let run) = try instruction(text) else { throw Missing() }
        return run.body
    }

    @Test(
        "RUN with only one heredoc runs its text; the shell reads heredocs of any other command",
        arguments: [
            ("RUN echo $a", .shell("echo $a")), ("RUN [\"a\", \"b\"]", .exec(["a", "b"])),
            ("RUN <<E\na\n  b\nE", .shell("a\n  b\n")), ("RUN <<-E\n\ta\n\tE", .shell("a\n")),
            ("RUN <<E\n#!/bin/x\na\nE", .script(name: "E", contents: "#!/bin/x\na\n")),
            ("RUN <<E cat\na\nE", .shell("<<E cat\na\nE")),
            ("RUN cat <<A <<B\n1\nA\n2\nB", .shell("cat <<A <<B\n1\nA\n2\nB")),
            ("RUN 3<<E cat <&3\nx\nE", .shell("3<<E cat <&3\nx\nE")),
        ] as [(String, Instruction.Run.Body)])
    func runBodies(text: String, expected: Instruction.Run.Body) throws { #expect(try Self.body(text) == expected) }

    @Test("A script heredoc is run by the shell from /dev/pipes")
    func scriptWords() throws {
        let body = try Self.body("RUN <<E\n#!/bin/x\nE")
        #expect(body.words(shell: ["/bin/sh", "-c"]) == ["/bin/sh", "-c", "/dev/pipes/E"])
    }

    @Test("Values of a mount are expanded")
    func mounts() throws {
        guard case .run(let run) = try Self.instruction("RUN --mount=type=$t,target=/c,uid=$u,sharing=locked a") else {
            throw Missing()
        }
        let scope = try finalScope("FROM scratch\nENV t=cache u=7\n")
        let mount = try scope.mount(run.mounts[0])
        #expect(mount.kind == .cache)
        #expect(mount.uid == 7)
        #expect(mount.sharing == .locked)
        #expect(!mount.isReadOnly)
        let wrong = try finalScope("FROM scratch\nENV t=cash u=7\n")
        #expect(throws: Diagnostic.self) { try wrong.mount(run.mounts[0]) }
    }

    @Test("ONBUILD keeps its text, heredocs included, and the text reads back")
    func triggers() throws {
        guard case .onBuild(let trigger) = try Self.instruction("ONBUILD  COPY <<A  /a\n1\nA") else { throw Missing() }
        #expect(trigger.trigger == "COPY <<A  /a\n1\nA")
        guard case .copy(let copy) = try Instruction(parsingTrigger: trigger.trigger) else { throw Missing() }
        #expect(copy.transfer.heredocs.map(\.content) == ["1\n"])
        #expect(throws: Diagnostic.self) { try Instruction(parsingTrigger: "ONBUILD RUN a") }
        #expect(throws: Diagnostic.self) { try Instruction(parsingTrigger: "RUN a\nRUN b") }
    }

    @Test("Positions point into continued lines")
    func positions() throws {
        let file = try parse("FROM scratch\n  COPY \\\n# comment\n   --chown=me \\\n  a  bb /c\n")
        guard case .copy(let copy) = file.stages[0].instructions[0].value else { throw Missing() }
        #expect(file.stages[0].instructions[0].position == Position(line: 2, column: 3))
        #expect(file.stages[0].instructions[0].lines == 2...5)
        #expect(copy.transfer.chown?.position == Position(line: 4, column: 12))
        #expect(copy.transfer.sources.map(\.position) == [Position(line: 5, column: 3), Position(line: 5, column: 6)])
    }

    @Test(
        "Modes have the effect of chmod(1) with umask 0",
        arguments: [
            ("755", 0o644, false, 0o755), ("u=rwX,go=rX", 0o600, false, 0o644), ("u=rwX,go=rX", 0o600, true, 0o755),
            ("+x", 0o644, false, 0o755), ("g=u", 0o640, false, 0o660), ("o-rwx", 0o777, false, 0o770),
            ("u+s,+t", 0o755, false, 0o5755), ("a=r", 0o4755, false, 0o444), ("u=rw,+X", 0o611, false, 0o711),
        ] as [(String, UInt32, Bool, UInt32)])
    func modes(text: String, before: UInt32, isDirectory: Bool, after: UInt32) throws {
        let mode = try FileMode(text, at: Position(line: 1, column: 1))
        #expect(mode.applied(to: before, isDirectory: isDirectory) == after)
    }

    @Test("History texts are BuildKit's")
    func history() throws {
        guard case .healthcheck(let check) = try Self.instruction("HEALTHCHECK --interval=5m --timeout=1500ms CMD x y")
        else { throw Missing() }
        #expect(
            CreatedBy.healthcheck(check)
                == "HEALTHCHECK {Test:[CMD-SHELL x y] Interval:5m0s Timeout:1.5s StartPeriod:0s StartInterval:0s Retries:0}"
        )
        #expect(CreatedBy.command("CMD", ["/bin/sh", "-c", "a \"b\""]) == #"CMD ["/bin/sh" "-c" "a \"b\""]"#)
        #expect(CreatedBy.list("EXPOSE", ["80/tcp", "90/udp"]) == "EXPOSE [80/tcp 90/udp]")
        #expect(CreatedBy.arguments([("a", "v"), ("b", nil)]) == "ARG a=v b")
        #expect(
            CreatedBy.transfer(
                "COPY", sources: ["a", "b"], heredocs: [], destination: "/d/", parents: true, chown: "1:2")
                == "COPY --parents --chown=1:2 a b /d/ # buildkit")
    }
}

@Suite("Errors")
struct ErrorTests {
    @Test("show the line with a caret below the column, also after tabs and multi-byte letters")
    func caret() throws {
        let error = #expect(throws: DockerfileError.self) { try parse("FROM scratch\nENV\té=1 b\n") }
        #expect(
            error?.description == """
                Dockerfile:2:10: Syntax error - can't find = in "b". Must be of the form: name=value
                  2 | ENV\té=1 b
                    |    \t    ^
                """)
    }

    @Test("show the part of a long line around the caret")
    func longLine() throws {
        let text =
            "FROM scratch\nENV " + String(repeating: "a=1 ", count: 100) + "b " + String(repeating: "c=1 ", count: 100)
        let error = #expect(throws: DockerfileError.self) { try parse(text) }
        let lines = (error?.description ?? "").split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.count < 160 })
        let column = lines[2].prefix { $0 != "^" }.count
        #expect(lines[1].dropFirst(column).first == "b")
    }

    @Test("are reported all at once, in the order of the file")
    func all() throws {
        let error = #expect(throws: DockerfileError.self) { try parse("FROM a\nCOPY x\nRUNN y\nWORKDIR\n") }
        #expect(error?.diagnostics.map(\.position.line) == [2, 3, 4])
    }
}

@Suite("Stages")
struct StageGraphTests {
    static func graph(_ text: String, contexts: Set<String> = []) throws -> (Dockerfile, StageGraph) {
        let file = try parse(text)
        let global = try GlobalScope(file, BuildArguments(build: host))
        return (file, try StageGraph(file, global, contexts: contexts))
    }

    @Test("Only stages that the target needs are reachable, in order")
    func reachable() throws {
        let text = """
            FROM a AS one
            FROM b AS two
            FROM one AS three
            RUN --mount=from=four,target=/x true
            FROM c AS four
            COPY --from=two / /
            FROM scratch
            COPY --from=THREE / /
            COPY --from=3 / /
            """
        let (_, graph) = try Self.graph(text)
        #expect(throws: Diagnostic.self) { try graph.reachable(from: 4) }
        #expect(try graph.reachable(from: 3) == [1, 3])
        #expect(try graph.target("Two") == 1)
        #expect(try graph.target(nil) == 4)
        let error = #expect(throws: Diagnostic.self) { try graph.target("tow") }
        #expect(error?.message == "target stage \"tow\" could not be found (did you mean two?)")
    }

    @Test(
        "FROM refers to a named context, an earlier stage, scratch, else an image",
        arguments: [
            ("FROM a AS x\nFROM x", [], .stage(0)), ("FROM x AS x", [], .image("x")), ("FROM scratch", [], .scratch),
            ("FROM a AS x\nFROM X", [], .image("X")), ("FROM a AS x\nFROM b AS x\nFROM x", [], .stage(1)),
            ("FROM a AS x\nFROM x", ["x"], .context("x")), ("ARG I=img:1\nFROM ${I}", [], .image("img:1")),
        ] as [(String, Set<String>, StageSource)])
    func bases(text: String, contexts: Set<String>, expected: StageSource) throws {
        #expect(try Self.graph(text, contexts: contexts).1.bases.last == expected)
    }

    @Test(
        "A stage cannot copy from itself or a later one",
        arguments: [
            ("FROM a AS x\nCOPY --from=x a b", "circular dependency detected on stage: x"),
            ("FROM a\nCOPY --from=0 a b", "circular dependency detected on stage: 0"),
            (
                "FROM a AS x\nCOPY --from=y a b\nFROM b AS y",
                "cannot copy from stage \"y\", y needs to be defined before current stage"
            ),
            ("FROM a\nCOPY --from=7 a b", "invalid from flag value 7: no stage has that index"),
        ])
    func cycles(text: String, message: String) throws {
        let (_, graph) = try Self.graph(text)
        let error = #expect(throws: Diagnostic.self) { try graph.dependencies(of: 0) }
        #expect(error?.message == message)
    }

    @Test("A stage that ONBUILD of a base stage copies from is reachable in the child, not in the base")
    func triggers() throws {
        let (_, graph) = try Self.graph("FROM a AS x\nFROM b AS base\nONBUILD COPY --from=x a b\nFROM base\n")
        #expect(try graph.dependencies(of: 1) == [])
        #expect(try graph.reachable(from: 2) == [0, 1, 2])
    }

    @Test("An empty base or platform is an error", arguments: ["ARG A\nFROM $A\n", "ARG A\nFROM --platform=$A b\n"])
    func empty(text: String) { #expect(throws: Diagnostic.self) { try Self.graph(text) } }

    @Test("All wrong references of a file are found at once")
    func allProblems() throws {
        let (_, graph) = try Self.graph(
            "FROM a AS x\nCOPY --from=x a b\nCOPY --from=y a b\nFROM b AS y\nCOPY --from=x a b\n")
        #expect(graph.problems.map(\.position.line) == [2, 3])
    }

    @Test("Outline and targets have defaults and descriptions")
    func outline() throws {
        let text = """
            # VERSION the version to build
            ARG VERSION=1
            # build compiles everything
            FROM a AS build
            # MODE debug or release
            ARG MODE=x$VERSION VERSION
            RUN --mount=type=secret,id=key,required --mount=type=ssh true
            FROM b
            COPY --from=build a b
            """
        let file = try parse(text)
        let outline = try file.outline(target: nil, BuildArguments(build: host))
        #expect(outline.arguments.map(\.name) == ["VERSION", "MODE"])
        #expect(outline.arguments.map(\.description) == ["the version to build", "debug or release"])
        #expect(outline.secrets.map(\.id) == ["key"])
        #expect(outline.secrets.map(\.isRequired) == [true])
        #expect(outline.agents.map(\.id) == ["default"])
        #expect(file.targets.map(\.description) == ["compiles everything", nil])
        #expect(file.targets.map(\.isDefault) == [false, true])
    }
}
