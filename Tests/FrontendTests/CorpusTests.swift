import Frontend
import Testing

@Suite("The corpus of Dockerfiles")
struct CorpusTests {
    static let names = Fixtures.names(in: "dockerfiles", ending: ".Dockerfile").map { String($0.dropLast(11)) }

    @Test("is complete, and every expectation belongs to a Dockerfile")
    func isComplete() {
        #expect(Self.names.count >= 60)
        for name in Fixtures.names(in: "dockerfiles") where !name.hasSuffix(".Dockerfile") {
            let stem = name.split(separator: ".").dropLast().joined(separator: ".")
            #expect(Self.names.contains(stem), "\(name) has no Dockerfile")
        }
    }

    @Test("has the syntax trees of its .ast files", arguments: names)
    func dumps(name: String) throws {
        let bytes = try Fixtures.bytes("dockerfiles/\(name).Dockerfile")
        let expected = Fixtures.text("dockerfiles/\(name).ast")
        let actual = try? Dockerfile.dump(bytes, name: "\(name).Dockerfile")
        #expect(actual == expected)
    }

    @Test("is accepted, or refused with the errors of its .error files", arguments: names)
    func judges(name: String) throws {
        let bytes = try Fixtures.bytes("dockerfiles/\(name).Dockerfile")
        var actual: String?
        do { _ = try Dockerfile(parsing: bytes, name: "\(name).Dockerfile") } catch {
            actual = error.description + "\n"
        }
        #expect(actual == Fixtures.text("dockerfiles/\(name).error"))
        #expect(actual != nil || Fixtures.text("dockerfiles/\(name).ast") != nil)
    }
}

@Suite("The syntax directive")
struct SyntaxDirectiveTests {
    @Test(
        "is overridden by BUILDKIT_SYNTAX",
        arguments: [
            ("example/x:1", "docker/dockerfile:1", true), ("example/x:1", "dockerfile.v0", true),
            ("docker/dockerfile:1", "example/x:1", false), ("docker/dockerfile:1", nil, true),
            ("docker/dockerfile-upstream:master-labs", nil, true), ("docker/dockerfiles:1", nil, false),
        ] as [(String, String?, Bool)])
    func override(directive: String, given: String?, isAccepted: Bool) {
        let bytes = Array("# syntax=\(directive)\nFROM scratch\n".utf8)
        let file = try? Dockerfile(parsing: bytes, name: "D", syntax: given)
        #expect((file != nil) == isAccepted)
        #expect(file == nil || file?.directives.syntax?.text == directive)
    }
}

@Suite("Hostile input")
struct HostileTests {
    @Test("Inputs that once crashed the fuzzer are read or refused", arguments: Fixtures.names(in: "fuzz/crashers"))
    func survives(name: String) throws {
        let bytes = try Fixtures.bytes("fuzz/crashers/\(name)")
        do {
            let file = try Dockerfile(parsing: bytes, name: name)
            let findings = Lint.check(file, Lint.Options(arguments: BuildArguments(build: host)))
            let fixed = try Dockerfile(parsing: Lint.applying(findings, to: bytes), name: name)
            #expect(fixed.stages.count == file.stages.count)
        } catch { #expect(!error.description.isEmpty) }
        _ = try? IgnoreRules(parsing: bytes)
    }

    @Test("A line of 65,535 bytes is read, one more is the documented error", arguments: [65_535, 65_536])
    func longLine(count: Int) throws {
        let line = "RUN " + String(repeating: "a", count: count - 4)
        let text = "FROM scratch\n\(line)\nRUN b\n"
        guard count > 65_535 else {
            #expect(try parse(text).stages[0].instructions.count == 2)
            return
        }
        let error = #expect(throws: DockerfileError.self) { try parse(text) }
        #expect(error?.diagnostics.map(\.message) == ["dockerfile line greater than max allowed size of 65535"])
        #expect(error?.diagnostics.first?.position.line == 2)
    }

    @Test("Nesting that would exhaust the stack is an error")
    func deepNesting() throws {
        let deep = String(repeating: "${a:-", count: 10_000)
        let scope = try finalScope("FROM scratch\n")
        #expect(throws: Diagnostic.self) { try scope.expand(Word(deep, at: Position(line: 1, column: 1))) }
        let chain = String(repeating: "ONBUILD ", count: 8_000) + "RUN a"
        #expect(throws: DockerfileError.self) { try parse("FROM scratch\n\(chain)\n") }
        let arrays = "RUN " + String(repeating: "[", count: 60_000)
        #expect(try parse("FROM scratch\n\(arrays)\n").stages[0].instructions.count == 1)
    }

    @Test("Variables that double each other stop at a limit")
    func doubling() throws {
        let lines = (1...40).map { "ENV A\($0)=$A\($0 - 1)$A\($0 - 1)" }.joined(separator: "\n")
        let error = #expect(throws: Diagnostic.self) {
            try finalScope("FROM scratch\nENV A0=0123456789abcdef\n\(lines)\n")
        }
        #expect(error?.message.contains("MiB") == true)
    }

    @Test("A file with only errors reports about the first fifty")
    func manyErrors() throws {
        let error = #expect(throws: DockerfileError.self) {
            try parse("FROM scratch\n" + String(repeating: "RUN [1]\n", count: 5_000))
        }
        #expect((40...60).contains(error?.diagnostics.count ?? 0))
    }
}
