import FoundationEssentials
import Frontend
import Testing

/// The cases of the review of 2026-11-30, under their ids; `fixtures/cases/lint.json` has the files.
@Suite("The lint cases of the review")
struct LintCaseTests {
    private struct Case: Decodable {
        let id: String
        let dockerfile: String
    }

    /// The right result of a case.
    struct Expectation: Sendable {
        /// The names of faults that are found.
        var finds: [String] = []
        /// The names of faults that are not found.
        var lacks: [String] = []
        /// True if nothing is found, except notes on style and information.
        var isQuiet = false
        /// A part of a finding's message or fix.
        var says: [String] = []
        /// Parts that no message or fix has.
        var neverSays: [String] = []
        /// The file after `--fix`; nil for no change.
        var fixed: String?
    }

    private static let cases: [String: String] = {
        let list = (try? Fixtures.bytes("cases/lint.json")).flatMap {
            try? JSONDecoder().decode([Case].self, from: Data($0))
        }
        return Dictionary(uniqueKeysWithValues: (list ?? []).map { ($0.id, $0.dockerfile) })
    }()

    static let expectations: [(String, Expectation)] = [
        ("fix-apt-list", Expectation(finds: ["DL3027"], says: ["dpkg -l"])),
        (
            "fix-in-quotes",
            Expectation(fixed: "FROM debian:12\nRUN apt-get update && echo \"run apt install foo\" > /help\n")
        ),
        ("fix-flag-twice", Expectation(neverSays: ["--no-install-recommends -y --no-install-recommends"])),
        ("fix-recommends", Expectation(finds: ["DL3015"], says: ["install --no-install-recommends -y git"])),
        ("fix-report", Expectation(finds: ["DL3015"])),
        ("pipefail-alpine", Expectation(finds: ["DL4006"], says: [#"SHELL ["/bin/ash", "-eo", "pipefail", "-c"]"#])),
        ("pipefail-windows", Expectation(isQuiet: true)),
        ("pipefail-subst", Expectation(finds: ["DL4006"], says: ["If curl fails here the build goes on"])),
        ("pipefail-group", Expectation(finds: ["DL4006"])),
        ("from-invalid-name", Expectation(finds: ["InvalidImageName"], says: ["repository name must be lowercase"])),
        ("from-empty-tag-arg", Expectation(finds: ["InvalidDefaultArgInFrom"], says: ["V is not set"])),
        ("from-suffix-arg", Expectation(finds: ["InvalidDefaultArgInFrom"], says: ["BASE is not set"])),
        ("env-open-quote", Expectation(finds: ["SyntaxError"], says: ["looking for matching single-quote"])),
        ("arg-self", Expectation(finds: ["UndefinedVar"])),
        ("undef-twice", Expectation(finds: ["UndefinedVar"])),
        ("undef-appuid", Expectation(lacks: ["UndefinedVar"])),
        ("secret-meta-arg", Expectation(isQuiet: true)),
        ("apt-dist-clean", Expectation(isQuiet: true)),
        ("useradd-var", Expectation(isQuiet: true)),
        ("copy-windows-abs", Expectation(isQuiet: true)),
        ("wget-powershell", Expectation(lacks: ["DL3047", "DL4006"])),
        ("add-glob", Expectation(finds: ["DL3020"])),
        ("pip-minor", Expectation(finds: ["DL3013", "DL3042"])),
        ("cd-fix-shellvar", Expectation(lacks: ["DL3003"], neverSays: ["WORKDIR"])),
        ("cd-fix-tilde", Expectation(finds: ["DL3003"], says: ["WORKDIR /root/app"])),
        (
            "cd-alone",
            Expectation(
                finds: ["CdAlone"], lacks: ["DL3059"],
                says: ["This cd is forgotten after the RUN. Write WORKDIR /opt"])
        ),
        (
            "export-alone",
            Expectation(
                finds: ["ExportAlone"], lacks: ["DL3059"], says: ["export ends with this RUN. Write ENV LEVEL=1"])
        ),
        ("outline-unused-arg", Expectation()),
        ("syntax-mirror", Expectation(lacks: ["SyntaxError"])),
    ]

    @Test("Every case has an expectation")
    func isComplete() { #expect(Set(Self.cases.keys) == Set(Self.expectations.map(\.0))) }

    @Test("A case has its right result", arguments: expectations.map(\.0))
    func judges(id: String) throws {
        let wanted = try #require(Self.expectations.first { $0.0 == id }).1
        let text = try #require(Self.cases[id])
        let found: [LintFinding]
        do { found = try LintTests.findings(text) } catch let error as DockerfileError {
            found = Lint.findings(for: error)
        }
        let names = found.flatMap(\.names)
        for name in wanted.finds { #expect(names.count { $0 == name } == 1, "\(name): \(names)") }
        for name in wanted.lacks { #expect(!names.contains(name)) }
        if wanted.isQuiet { #expect(found.filter { $0.severity >= .warning }.map(\.rule) == []) }
        let words = found.flatMap { [$0.message, $0.fix ?? ""] }
        for part in wanted.says { #expect(words.contains { $0.contains(part) }, "\(part): \(words)") }
        for part in wanted.neverSays { #expect(!words.contains { $0.contains(part) }, "\(part): \(words)") }
        let fixed = String(decoding: Lint.applying(found, to: Array(text.utf8)), as: UTF8.self)
        #expect(fixed == wanted.fixed ?? text)
    }

    @Test("outline-unused-arg: the outline lists only arguments that the target needs")
    func outline() throws {
        let file = try parse(try #require(Self.cases["outline-unused-arg"]))
        let outline = try file.outline(target: nil, BuildArguments(build: host))
        #expect(outline.arguments.map(\.name) == ["A"])
    }
}
