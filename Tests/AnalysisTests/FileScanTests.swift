import Linux
import OCI
import Support
import Testing

@testable import Analysis

@Suite("Survey")
struct FileScanTests {
    private static func report(_ layers: [[Change]], _ edit: (inout ImageConfig) -> Void = { _ in }) async throws
        -> Report
    {
        let workspace = try Workspace()
        return try await Report(of: workspace.image(layers).configured(edit), reference: "app")
    }

    // Assembled, so that no scanner reports this file as a leak.
    private static let token = "ghp_" + "0123456789abcdefghijABCDEFGHIJ456789"
    private static let key = """
        -----BEGIN OPENSSH PRIVATE \("KEY")-----
        b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
        -----END OPENSSH PRIVATE KEY-----
        """

    @Test(
        "Secrets are found by rule and line",
        arguments: [
            ("github-token", "app/config", "first\nsecond \(token)\n", 2),
            ("private-key", "root/.ssh/id", "\n\(key)", 2),
            ("aws-access-key", "a", "id=AKIA" + "Q3EGRZ5T2YKLM7NP\n", 1),
            ("aws-secret-key", "a", "x\naws_secret_access_key = " + "abcdefghijKLMNOPQRST0123456789/+abcdefgh\n", 2),
            ("npmrc-credentials", "root/.npmrc", "//host/:_authToken=0123456789\n", 1),
            ("pypirc-credentials", "root/.pypirc", "[pypi]\nusername: x\npassword = swordfish\n", 3),
            ("url-credentials", "root/.git-credentials", "https://me:swordfish@host.example\n", 1),
            ("registry-login", "root/.docker/config.json", #"{"auths":{"host.example":{"auth":"bWU6cGFzcw=="}}}"#, 1),
        ])
    func secret(rule: String, path: String, text: String, line: Int) async throws {
        let report = try await Self.report([[try file(path, text)]])
        #expect(
            report.secrets
                == [FoundSecret(rule: rule, path: "/\(path)", layer: 0, line: line, deletedLater: false)])
        #expect(report.findings.contains { $0.id == "secret" && $0.severity == .error })
    }

    @Test(
        "A text that only looks like a secret is ignored",
        arguments: [
            "AKIAIOSFODNN7EXAMPLE", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "xghp_" + "0123456789abcdefghijABCDEFGHIJ456789",
            "if line == '-----BEGIN PRIVATE KEY-----':", "ghp_short",
            "\u{0}ghp_" + "0123456789abcdefghijABCDEFGHIJ456789",
        ])
    func noSecret(text: String) async throws {
        #expect(try await Self.report([[try file("app/x", text)]]).secrets.isEmpty)
    }

    @Test("A secret that a later layer deletes is still reported, and its text appears nowhere")
    func deleted() async throws {
        let report = try await Self.report([[try file("k", Self.token)], [try whiteout("k")]])
        #expect(report.secrets.map(\.deletedLater) == [true])
        let all = String(decoding: report.json.bytes, as: UTF8.self) + report.text + report.html
        #expect(!all.contains(Self.token))
    }

    @Test("Environment and history are searched by name and by value")
    func configuration() async throws {
        let report = try await Self.report([[try file("a", "x")]]) { config in
            config.environment = [
                "DB_PASSWORD=swordfish", "PATH=/bin", "TOKEN_FILE=/run/x", "API_TOKEN=$OTHER", "G=\(Self.token)",
            ]
            config.history = [History(created: nil, createdBy: "RUN |1 NPM_TOKEN=swordfish /bin/sh -c npm ci")]
        }
        #expect(report.secrets.map(\.path) == ["Env DB_PASSWORD", "Env G", "history 0"])
        #expect(report.secrets.map(\.rule) == ["secret-variable", "github-token", "secret-variable"])
    }

    @Test("Debian packages have the first layer with their version and the bytes of their files")
    func dpkg() async throws {
        let first = "Package: a\nVersion: 1\nStatus: install ok installed\n\n"
        let second =
            "Package: b\nVersion: 2\nStatus: install ok installed\nInstalled-Size: 3\n\nPackage: c\nVersion: 1\nStatus: deinstall ok config-files\n"
        let report = try await Self.report([
            [
                try file("var/lib/dpkg/status", first), try file("var/lib/dpkg/info/a.list", "/.\n/bin\n/bin/tool\n"),
                try symlink("bin", "usr/bin"), try file("usr/bin/tool", "12345"),
            ],
            [try file("var/lib/dpkg/status", first + second)],
        ])
        #expect(
            report.packages == [
                Package(manager: .dpkg, name: "a", version: "1", bytes: 5, layer: 0),
                Package(manager: .dpkg, name: "b", version: "2", bytes: 3072, layer: 1),
            ])
    }

    @Test("Distroless, Alpine, Python and npm packages are found")
    func others() async throws {
        let site = "usr/lib/python3/site-packages"
        let report = try await Self.report([
            [
                try file("var/lib/dpkg/status.d/tz", "Package: tz\nVersion: 9\n"),
                try file("lib/apk/db/installed", "P:musl\nV:1.2\nI:4096\n\n"),
                try file("\(site)/flask-3.0.dist-info/RECORD", "flask/a.py,sha256=x,7\n../../../bin/flask,,\n"),
                try file("\(site)/flask/a.py", "1234567"),
                try file("app/node_modules/@s/p/package.json", #"{"name":"@s/p","version":"4"}"#),
                try file("app/node_modules/@s/p/lib/x.js", "123"),
                try file("app/node_modules/bad/package.json", "{"),
            ]
        ])
        #expect(
            report.packages.map { "\($0.manager) \($0.name) \($0.version) \($0.bytes)" } == [
                "apk musl 1.2 4096", "dpkg tz 9 0", "npm @s/p 4 32", "python flask 3.0 7",
            ])
    }

    private static func pyc(flags: UInt8, mtime: UInt32, size: UInt32) -> [UInt8] {
        let words = [mtime, size].flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        return [0xa7, 0x0d, 0x0d, 0x0a, flags, 0, 0, 0] + words + [UInt8](repeating: 1, count: 20)
    }

    @Test(
        "Compiled Python is fresh if its header matches its source, or requires no check",
        arguments: [
            (UInt8(0), UInt32(1000), UInt32(5), false), (0, 999, 5, true), (0, 1000, 6, true), (1, 0, 0, false),
            (3, 7, 7, false),
        ])
    func bytecode(flags: UInt8, mtime: UInt32, size: UInt32, isStale: Bool) async throws {
        let report = try await Self.report([
            [
                try file("app/m.py", Array("x = 1".utf8), mtime: 1000),
                try file("app/__pycache__/m.cpython-311.pyc", Self.pyc(flags: flags, mtime: mtime, size: size)),
            ]
        ])
        #expect(report.findings.contains { $0.id == "stale-bytecode" } == isStale)
        #expect(!report.findings.contains { $0.id == "missing-bytecode" || $0.id == "orphaned-bytecode" })
    }

    @Test("A source that is a link is checked at its target")
    func linkedSource() async throws {
        let report = try await Self.report([
            [
                try file("etc/m.py", Array("x = 1".utf8), mtime: 1000), try symlink("app/m.py", "/etc/m.py"),
                try file("app/__pycache__/m.cpython-311.pyc", Self.pyc(flags: 0, mtime: 1000, size: 5)),
            ]
        ])
        #expect(!report.findings.contains { $0.id.hasSuffix("bytecode") })
    }

    @Test("Random bytes in every file that is read cause no error", arguments: 1...8)
    func random(seed: UInt64) async throws {
        let names = [
            "var/lib/dpkg/status", "var/lib/dpkg/info/a.list", "var/lib/dpkg/status.d/x", "lib/apk/db/installed",
            "s/x-1.dist-info/RECORD",
            "node_modules/a/package.json", "a/__pycache__/b.c.pyc", "__pycache__/.pyc", ".npmrc", ".docker/config.json",
            ".netrc",
        ]
        let printable = noise(3000, seed: seed).map { $0 % 96 + 31 }
        let report = try await Self.report([
            try names.map { try file($0, printable) },
            try names.map { try file($0, Array(noise(500, seed: seed + 100).prefix(Int(seed)))) },
        ])
        #expect(report.waste.items.count == names.count)
    }
}
