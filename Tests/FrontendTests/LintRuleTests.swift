import Frontend
import Testing

@Suite("The catalogue of lint rules")
struct LintRuleTests {
    @Test("docs/lint.md has a row for each rule, and no other")
    func documentation() throws {
        let text = try #require(Fixtures.text("../docs/lint.md"))
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| ") }.map(String.init)
        let wanted = LintRule.all.map { rule in
            "| \(rule.name) | \(rule.otherNames.joined(separator: ", ")) | \(rule.severity?.rawValue ?? "off") "
                + "| \(rule.finds) | \(rule.fix.rawValue) |"
        }
        for row in wanted { #expect(rows.contains(row)) }
        let extra = rows.filter { !wanted.contains($0) && $0.hasSuffix(" |") && $0.contains("| described |") }
        #expect(extra == [])
    }

    @Test("Every rule of hadolint 2.15 has an entry")
    func hadolint() {
        let ranges = [
            1000...1001, 3000...3004, 3006...3016, 3018...3030, 3032...3038, 3040...3067, 4000...4001, 4003...4006,
        ]
        let numbers = ranges.flatMap { Array($0) }
        #expect(numbers.count == 72)
        for number in numbers { #expect(LintRule.named("DL\(number)") != nil, "DL\(number)") }
    }

    @Test("Names are unique, and BuildKit's checks have addresses")
    func names() {
        let names = LintRule.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(
            LintRule.helpAddress(of: "JSONArgsRecommended")
                == "https://docs.docker.com/reference/build-checks/json-args-recommended/")
        #expect(LintRule.helpAddress(of: "DL3008") == "https://github.com/hadolint/hadolint/wiki/DL3008")
        #expect(LintRule.helpAddress(of: "SC2086") == "https://www.shellcheck.net/wiki/SC2086")
        #expect(LintRule.helpAddress(of: "PipeToShell") == nil)
    }
}

@Suite("The configuration of lint")
struct LintConfigurationTests {
    private static func names(_ text: String, _ fill: (inout Lint.Options) -> Void) throws -> [String] {
        var options = Lint.Options(arguments: BuildArguments(build: host))
        fill(&options)
        return Lint.check(try parse(text), options).flatMap(\.names)
    }

    @Test("Severities are replaced, and rules that are off are switched on")
    func severities() throws {
        var options = Lint.Options(arguments: BuildArguments(build: host))
        options.configuration.severities = ["DL3057": .info, "DL3025": .error]
        let found = Lint.check(try parse("FROM a:1\nCMD x\n"), options)
        #expect(found.map(\.rule) == ["DL3057", "JSONArgsRecommended"])
        #expect(found.map(\.severity) == [.info, .error])
    }

    @Test(
        "Only trusted registries are allowed",
        arguments: [
            ("FROM a:1\n", true), ("FROM docker.io/x/a:1\n", true), ("FROM r.example/a:1\n", true),
            ("FROM x.r.example/a:1\n", false), ("FROM x.corp.example/a:1\n", true), ("FROM scratch\n", true),
            ("FROM localhost:5000/a:1\n", false),
        ])
    func registries(text: String, isTrusted: Bool) throws {
        let names = try Self.names(text) {
            $0.configuration.trustedRegistries = ["docker.io", "r.example", "*.corp.example"]
        }
        #expect(names.contains("DL3026") != isTrusted)
    }

    @Test(
        "Labels have the types of the schema",
        arguments: [
            ("semver", "1.2.3", nil), ("semver", "1.2", "DL3056"), ("semver", "1.0.0-a.1+b", nil),
            ("url", "https://x/y", nil), ("url", "x", "DL3052"), ("rfc3339", "2021-03-10T10:14:44Z", nil),
            ("rfc3339", "2021-13-10T10:14:44Z", "DL3053"), ("spdx", "MIT", nil), ("spdx", "MYT", "DL3054"),
            ("hash", "abcdef1", nil), ("hash", "xyz", "DL3055"), ("email", "a@b.example", nil),
            ("email", "a b", "DL3058"), ("text", "", "DL3051"), ("semver", "$V", nil),
        ] as [(String, String, String?)])
    func labels(type: String, value: String, fault: String?) throws {
        let names = try Self.names("FROM a:1\nARG V\nLABEL a=\"\(value)\"\n") {
            $0.configuration.labels = ["a": LintConfiguration.LabelType(rawValue: type) ?? .text]
        }
        #expect(names == [fault].compactMap(\.self))
    }

    @Test("Missing labels and labels outside of the schema are found")
    func schema() throws {
        let names = try Self.names("FROM a:1\nLABEL b=c\n") {
            $0.configuration.labels = ["a": .text]
            $0.configuration.hasStrictLabels = true
        }
        #expect(names == ["DL3049", "DL3050"])
    }

    @Test(
        "A release past its end of life is found by tag and by name",
        arguments: [
            ("debian:10", true), ("debian:buster-slim", true), ("debian:12", false), ("python:3.9-buster", true),
            ("ubuntu:18.04", true), ("ubuntu:24.04", false), ("buster:1", false), ("debian:10.3", true),
        ])
    func endOfLife(image: String, isOld: Bool) throws {
        let names = try Self.names("FROM \(image)\n") { $0.today = "2026-11-30" }
        #expect(names == (isOld ? ["EndOfLife"] : []))
        #expect(try Self.names("FROM \(image)\n") { _ in } == [])
    }

    @Test("Findings of ShellCheck are at their places, and comments silence them")
    func shellCheck() throws {
        let text = "FROM a:1\nRUN x && \\\n  echo $y\n"
        var options = Lint.Options(arguments: BuildArguments(build: host))
        let scripts = Lint.scripts(try parse(text), options)
        #expect(scripts.map(\.text) == ["x &&   echo $y"])
        #expect(scripts.map(\.dialect) == ["sh"])
        options.shellFindings = [
            ShellFinding(script: 0, code: 2086, severity: .info, message: "quote", line: 1, column: 13)
        ]
        let found = Lint.check(try parse(text), options).filter { $0.rule == "SC2086" }
        #expect(found.map(\.lines) == [3...3])
        #expect(found.map(\.startColumn) == [8])
        let silent = text.replacing("RUN", with: "# hadolint ignore=SC2086\nRUN")
        #expect(Lint.check(try parse(silent), options).map(\.rule).contains("SC2086") == false)
    }
}
