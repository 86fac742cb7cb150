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

@Suite("The scan for vulnerabilities")
struct ScanJobTests {
    private let workspace: Workspace
    private let image: Image

    init() throws {
        let fixture = try PackageFixture(
            dpkg: "Package: libc6\nSource: glibc (2.36-8)\nVersion: 2.36-9\nStatus: install ok installed\n\n"
                + "Package: curl\nVersion: 7.88-1\nStatus: install ok installed\n",
            [("s/Flask_Login-0.5.dist-info/METADATA", "Name: Flask_Login\nVersion: 0.5\n")],
            [("n/node_modules/lodash/package.json", #"{"name":"lodash","version":"4.17.20"}"#)])
        (workspace, image) = (fixture.workspace, fixture.image)
    }

    private static let advisories: [(name: String, text: String)] = [
        ("a.json", advisory("CVE-1", "Debian:12", "glibc", #"{"introduced":"0"},{"fixed":"2.36-9"}"#, "HIGH")),
        ("b.json", advisory("CVE-2", "Debian:11", "glibc", #"{"introduced":"0"}"#, "HIGH")),
        ("c.json", advisory("CVE-3", "Debian:12", "curl", #"{"introduced":"0"},{"fixed":"7.88-1"}"#, "HIGH")),
        ("sub/d.json", advisory("GHSA-4", "npm", "lodash", #"{"introduced":"0"},{"fixed":"4.17.21"}"#, "MODERATE")),
        ("e.json", advisory("PY-5", "PyPI", "flask.login", #"{"introduced":"0.4"},{"last_affected":"0.5"}"#, "LOW")),
        ("f.json", #"{"id":"W-6","withdrawn":"2026-01-01T00:00:00Z","affected":[]}"#), ("g.json", "{"), ("h.txt", "x"),
    ]

    private static func advisory(
        _ id: String, _ ecosystem: String, _ package: String, _ events: String, _ severity: String
    ) -> String {
        """
        {"id":"\(id)","summary":"A <fault>","aliases":["X-\(id)"],"database_specific":{"severity":"\(severity)"},
        "affected":[{"package":{"ecosystem":"\(ecosystem)","name":"\(package)"},
        "ranges":[{"type":"ECOSYSTEM","events":[\(events)]}]}]}
        """
    }

    private func database() throws -> FilePath {
        for (name, text) in Self.advisories { try workspace.write("db/\(name)", text) }
        return workspace.path.appending("db")
    }

    private func scan() async throws -> VulnerabilityScan {
        try await ScanJob(in: workspace.store).scan(image, databases: [database()])
    }

    @Test("Packages are matched by ecosystem, release and source package, most severe first")
    func matches() async throws {
        let scan = try await scan()
        #expect(
            scan.matches.map { "\($0.severity) \($0.id) \($0.package.name) \($0.fixed ?? "-") \($0.package.layer)" }
                == [
                    "high CVE-1 libc6 2.36-9 0", "medium GHSA-4 lodash 4.17.21 1", "low PY-5 Flask_Login - 0",
                ])
        #expect(scan.advisoryCount == 5 && scan.fails(on: .high) && !scan.fails(on: .critical) && !scan.fails(on: nil))
        #expect(scan.text.split(separator: "\n").count == 4)
    }

    @Test("A zip and a directory give the same")
    func zip() async throws {
        let directory = try database()
        try Program.shell("cd '\(directory)' && python3 -m zipfile -c ../db.zip *.json sub/d.json")
        let other = try await ScanJob(in: workspace.store).scan(image, databases: [workspace.path.appending("db.zip")])
        #expect(try await scan().matches == other.matches)
    }

    @Test("A database without advisories is an error, not a clean result")
    func empty() async throws {
        try workspace.write("none/x.json", "{}")
        let path = workspace.path.appending("none")
        await #expect(throws: Failure.self) { try await ScanJob(in: workspace.store).scan(image, databases: [path]) }
    }

    @Test("The JSON document follows its schema, and SARIF has a rule for each result")
    func outputs() async throws {
        let scan = try await scan()
        #expect(
            try DocumentSchema("scan").violations(
                by: Document(parsing: scan.document(of: image, named: "app").bytes.text)) == [])
        let run = scan.sarif(of: "app", version: "1")["runs"]?.array?.first
        let rules = run?["tool"]?["driver"]?["rules"]?.array ?? []
        let results = run?["results"]?.array ?? []
        #expect(results.map { $0["level"]?.string } == ["error", "warning", "note"] && rules.count == 3)
        for result in results { #expect(rules[Int(result["ruleIndex"]?.integer ?? 9)]["id"] == result["ruleId"]) }
    }

    @Test(
        "The gate counts vulnerabilities by severity, and without a database it is inconclusive",
        arguments: [
            ("{ critical = 0, high = 1 }", true, true, "0 critical of 0, 1 high of 1"),
            ("{ high = 0, medium = 3 }", true, false, "1 high of 0, 1 medium of 3"),
            ("{ high = 0 }", false, nil, "there is no database; add --db DIR|ZIP"),
        ] as [(String, Bool, Bool?, String)])
    func gate(limits: String, hasDatabase: Bool, holds: Bool?, summary: String) async throws {
        let text = "[budget]\nvulnerabilities = \(limits)\n"
        let check = GateCheck(
            in: workspace.store, try ProjectFile(parsing: text, name: "thaw.toml"), file: "thaw.toml",
            lines: ProjectLines(text), start: StartOptions(), databases: hasDatabase ? [try database()] : [],
            host: FakeHost())
        let rule = try #require(try await check.report(on: image, named: "app", today: "2026-12-01").rules.first)
        #expect(rule.name == "vulnerabilities" && rule.summary == summary)
        #expect(rule.measured.map { $0 == 0 } == holds)
        let cause = "CVE-1 in libc6 2.36-9, fixed in 2.36-9, in layer 0 (test)"
        #expect(rule.causes.map(\.line) == (holds == false ? [cause] : []))
    }

    @Test(
        "A limit for an unknown severity, or below zero, is an error",
        arguments: ["{ bad = 0 }", "{ high = -1 }", "3"])
    func wrongLimit(limits: String) {
        #expect(throws: ProjectError.self) {
            try ProjectFile(parsing: "[budget]\nvulnerabilities = \(limits)\n", name: "thaw.toml")
        }
    }
}
