import ImageFiles
import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Analysis

@Suite("Secrets")
struct SecretTests {
    // Assembled, so that no scanner reports this file as a leak.
    private static let token = "ghp_" + "0123456789abcdefghijABCDEFGHIJ456789"
    private static let random = "k3Jd8sLq0Zx7Vb2N" + "m5Tr9Wy1"

    private static func report(
        _ layers: [[Change]], policy: SecretPolicy = .standard, _ edit: (inout ImageConfig) -> Void = { _ in }
    ) async throws -> Report {
        let workspace = try Workspace()
        return try await Report(of: workspace.image(layers).configured(edit), reference: "app", policy: policy)
    }

    private static func rules(_ path: String, _ text: String) async throws -> [String] {
        try await report([[try file(path, text)]]).secrets.map(\.rule)
    }

    @Test(
        "Credential files are known by their names",
        arguments: [
            ("app/.env", "DB_PASSWORD=swordfish", "env-file"),
            ("app/.env.production", "export API_KEY='swordfish'", "env-file"),
            ("app/.env", "DATABASE_URL=postgres://me:swordfish@db/x", "url-credentials"),
            ("root/.netrc", "machine h login me password swordfish", "netrc-credentials"),
            ("root/.netrc", "machine h\nlogin me\npassword\nswordfish", "netrc-credentials"),
            ("root/.kube/config", "users:\n- user:\n    client-key-data: LS0tLS1CRUdJTiBS", "kubeconfig-credentials"),
            ("root/.aws/credentials", "aws_session_token = swordfish", "aws-credentials"),
            ("root/.docker/config.json", #"{"auths":{"h":{"auth":"bWU6cGFzcw=="}}}"#, "registry-login"),
            ("infra/terraform.tfstate", #"{"a": {"password": "swordfish"}}"#, "terraform-state"),
            ("infra/x.tfvars", "db_password = \"swordfish\"", "terraform-variables"),
            ("root/.m2/settings.xml", "<server><password>swordfish</password></server>", "maven-credentials"),
            ("root/.cargo/credentials.toml", "[registry]\ntoken = \"swordfish\"", "cargo-credentials"),
            ("root/.pgpass", "db:5432:x:me:swordfish", "pgpass-credentials"),
            ("etc/shadow", "root:$6$ab$cdef:1:2:3", "password-hash"),
            ("root/.yarnrc.yml", "npmAuthToken: swordfish", "npmrc-credentials"),
        ])
    func credentials(path: String, text: String, rule: String) async throws {
        #expect(try await Self.rules(path, text) == [rule])
    }

    @Test(
        "Tokens and values with the name of a secret are found in files",
        arguments: [
            ("app/a.py", "x = 'eyJhbGciOiJIUzI1NiJ9aa." + "eyJ1c2VyIjoibWUxMjM0In0.abcdefghij0123456789xyz'", "jwt"),
            ("app/a.py", "api_key = \"\(random)\"", "generic-secret"),
            ("app/conf.yml", "client-secret: \(random)", "generic-secret"),
            ("app/a.json", #"{"datadogApiKey": "0a1b2c3d4e5f60718293a4b5c6d7e8f9"}"#, "datadog-key"),
            (
                "app/a.js",
                "hook('https://hooks.slack.com/services/" + "T00AB12CD/B00XY34ZW/a1B2c3D4e5F6g7H8i9J0k1L2')",
                "slack-webhook"
            ),
            ("app/a.toml", "url = \"amqp://me:swordfish@mq/\"", "url-credentials"),
            ("app/sub/gl", "glpat-" + "Ab1Cd2Ef3Gh4Ij5Kl6Mn", "gitlab-token"),
        ])
    func contents(path: String, text: String, rule: String) async throws {
        #expect(try await Self.rules(path, text) == [rule])
    }

    @Test(
        "Placeholders, references and keys of third-party tests are no secrets",
        arguments: [
            ("app/.env", "DB_PASSWORD=changeme\nAPI_KEY=<your-key>\nTOKEN=${TOKEN}\nX_SECRET=\nMAX_TOKEN=4096"),
            ("app/.npmrc", "//h/:_authToken=${NPM_TOKEN}"), ("app/a.py", "token = get_token(request)"),
            ("app/a.py", "password = 'correct horse'"), ("app/a.yml", "url: http://user:password@host/"),
            ("app/a.js", "secret = process.env.SECRET_KEY_BASE_0123456789"),
            ("usr/local/go/src/crypto/tls/tls_test.go", "x := `" + "ghp_" + "0123456789abcdefghijABCDEFGHIJ456789`"),
            ("etc/ssl/private/ssl-cert-snakeoil.key", token), ("usr/share/doc/x/README", token),
            ("app/node_modules/a/test/key.js", token),
            ("usr/lib/python3/a.py", "api_key = \"\(random)\""),
        ])
    func noSecrets(path: String, text: String) async throws {
        #expect(try await Self.rules(path, text).isEmpty)
    }

    @Test("Every built-in rule has a name of lower-case words, and matches nothing in plain English")
    func rules() {
        let isName = { (id: String) in
            id.utf8.allSatisfy { $0 == UInt8(ascii: "-") || (48...57).contains($0) || (97...122).contains($0) }
        }
        #expect(SecretRules.standard.ids.allSatisfy(isName))
        #expect(SecretRules.standard.ids.count > 70)
        let text = "The password is never stored: see token.md. key-value pairs, sk-based, hf_model, SG.1"
        #expect(SecretText(rules: .standard).matches(inSetting: text).isEmpty)
    }

    @Test("UTF-16 in both orders is text", arguments: [true, false], [true, false])
    func utf16(lowFirst: Bool, hasMark: Bool) async throws {
        let text = "first line of a settings file\nkey \(Self.token)\n"
        let units = (hasMark ? [0xfeff] : []) + Array(text.utf16)
        let bytes = units.flatMap { unit in
            let pair = [UInt8(truncatingIfNeeded: unit), UInt8(unit >> 8)]
            return lowFirst ? pair : pair.reversed()
        }
        let report = try await Self.report([[try file("a.txt", bytes)]])
        #expect(report.secrets.map { "\($0.rule) \($0.line ?? 0)" } == ["github-token 2"])
    }

    @Test("A secret beyond a mebibyte is found once, also across the windows", arguments: [0, 20, 40, 16 << 10])
    func large(shift: Int) async throws {
        let line = Array("0123456789abcdef0123456789abcde\n".utf8)
        let before = (0..<((1 << 20) / 32 + 1)).flatMap { _ in line }.dropLast(shift)
        let text = before + Array("\n\(Self.token)\n".utf8) + Array(before)
        let report = try await Self.report([[try file("big.txt", Array(text))]])
        let number = before.count { $0 == UInt8(ascii: "\n") } + 2
        #expect(report.secrets.map { "\($0.rule) \($0.line ?? 0)" } == ["github-token \(number)"])
    }

    // Made by Python's zipfile and gzip of the lines "x" and `token`.
    private static let zip =
        "UEsDBBQAAAAIAAAAIVyBEtHdKQAAACsAAAALAAAAaW4vY29uZi50eHSr4ErPKIg3MDQyNjE1M7ewTExKTklNS8/IzHJ0cnZx"
        + "dXP38PSCyHABAFBLAQIUAxQAAAAIAAAAIVyBEtHdKQAAACsAAAALAAAAAAAAAAAAAACAAQAAAABpbi9jb25mLnR4dFBLBQYA"
        + "AAAAAQABADkAAABSAAAAAAA="
    private static let gzip =
        "H4sIAAAAAAACA6vgSs8oiDcwNDI2MTUzt7BMTEpOSU1Lz8jMcnRydnF1c/fw9ILIcAEAgRLR3SsAAAA="

    private static func archive(_ name: String) throws -> [UInt8] {
        switch name {
        case "app.zip": return try #require(bytes(base64: zip))
        case "conf.txt.gz": return try #require(bytes(base64: gzip))
        default:
            let workspace = try Workspace()
            let inner = try [file("in/conf.txt", "x\n\(token)\n")]
            let form: OCI.Compression = name.hasSuffix("gz") ? .gzip : name.hasSuffix("zst") ? .zstd : .uncompressed
            let layer = try workspace.layer(inner, compression: form)
            let path = FilePath("blobs/sha256/\(layer.descriptor.digest.hex)")
            return try workspace.store.root.contents(of: path, limit: 1 << 20)
        }
    }

    private static func bytes(base64 text: String) -> [UInt8]? {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var (bits, count, bytes): (UInt32, Int, [UInt8]) = (0, 0, [])
        for digit in text.utf8 where digit != UInt8(ascii: "=") {
            guard let value = alphabet.firstIndex(of: digit) else { return nil }
            (bits, count) = (bits << 6 | UInt32(value), count + 6)
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return bytes
    }

    @Test(
        "An archive is searched one level deep, and a damaged one as far as it can be read",
        arguments: [
            ("app.tar", "in/conf.txt"), ("app.tar.gz", "in/conf.txt"), ("app.tar.zst", "in/conf.txt"),
            ("app.zip", "in/conf.txt"), ("conf.txt.gz", "data"),
        ])
    func archive(name: String, member: String) async throws {
        let bytes = try Self.archive(name)
        let outer = try Workspace()
        let layer = try outer.layer([file("in/\(name)", bytes)], compression: .uncompressed)
        let nested = try outer.store.root.contents(
            of: FilePath("blobs/sha256/\(layer.descriptor.digest.hex)"), limit: 1 << 20)
        let report = try await Self.report([[try file("srv/\(name)", bytes), try file("srv/outer", nested)]])
        #expect(report.secrets.map { "\($0.path) \($0.line ?? 0)" } == ["/srv/\(name)!\(member) 2"])
        for count in stride(from: 0, to: bytes.count, by: 7) {
            let damaged = try await Self.report([[try file("srv/\(name)", Array(bytes.prefix(count)))]])
            #expect(damaged.secrets.count <= 1)
        }
    }

    @Test("Variables, labels, commands, health checks and build arguments are searched")
    func configuration() async throws {
        let report = try await Self.report([[try file("a", "x")]]) { config in
            config.environment = ["A_PASSWORD=swordfish", "URL=redis://:swordfish@h/0"]
            config.labels = ["deploy.token": "swordfish"]
            config.command = ["serve", "--password", "swordfish"]
            config.entrypoint = ["curl", "-H", "Authorization: Bearer swordfish"]
            config.onBuild = ["ENV API_KEY=swordfish"]
            config.history = [History(created: nil, createdBy: "RUN |1 NPM_TOKEN=swordfish /bin/sh -c npm ci")]
        }
        #expect(
            report.secrets.map { "\($0.path): \($0.rule)" } == [
                "Cmd: secret-variable", "Entrypoint: authorization-header", "Env A_PASSWORD: secret-variable",
                "Env URL: url-credentials", "Label deploy.token: secret-variable", "OnBuild 0: secret-variable",
                "history 0: secret-variable",
            ])
    }

    @Test("No output has the secret itself")
    func outputs() async throws {
        let secrets = [Self.token, "swordfish", "hunter22", Self.random]
        let workspace = try Workspace()
        func image(_ text: String) throws -> Image {
            try workspace.image([[try file("app/.env", "DB_PASSWORD=hunter22\nK_TOKEN=\(text)\n")]]).configured {
                $0.environment = ["DB_PASSWORD=swordfish\(text.count)", "G=\(Self.token)", "U=http://a:swordfish@h"]
                $0.command = ["run", "--password", "swordfish", "--token=\(Self.random)"]
                $0.history = [
                    History(
                        created: nil,
                        createdBy:
                            "RUN |2 NPM_TOKEN=swordfish X=1 /bin/sh -c curl -H 'Authorization: Bearer \(Self.random)'"
                            + " https://me:hunter22@host && echo \(text) \(Self.token)")
                ]
            }
        }
        let (old, new) = (try image("aa"), try image("bbb"))
        let report = try await Report(of: old, reference: "app")
        let files = FileReport(of: old, in: try await old.tree(), reference: "app", .init())
        let diff = try await ImageComparison(between: old, and: new, names: ("a", "b"))
        let history = ImageHistory(of: old)
        let outputs = [
            report.text, report.html, files.text, diff.text(), diff.markdown, report.json.bytes.text,
            files.json.bytes.text, diff.json.bytes.text, history.json.bytes.text,
            files.lines.map { $0.bytes.text }.joined(),
        ]
        #expect(report.secrets.count >= 7)
        for (number, output) in outputs.enumerated() {
            for secret in secrets { #expect(!output.contains(secret), "output \(number)") }
        }
    }
}

extension SecretTests {
    @Test("Own rules are added, and allowed places are left out and counted")
    func policy() async throws {
        let own = try SecretPolicy(adding: [("acme-token", "acme_[a-f0-9]{16}")], allowing: [])
        let layers = [
            [
                try file("a/x", "k acme_0123456789abcdef\n"), try file("a/y", "\(Self.token)\n"),
                try file("b/y", "\(Self.token)\n"),
            ]
        ]
        let all = try await Self.report(layers, policy: own)
        #expect(all.secrets.map(\.rule) == ["acme-token", "github-token", "github-token"])
        #expect(all.allowedSecrets == 0)

        let prints = all.secrets.map(\.fingerprint)
        #expect(Set(prints).count == 3 && prints.allSatisfy { $0.utf8.count == 12 })
        let cases: [(SecretPolicy.Allowance, [String])] = [
            (.init(rule: "github-token"), ["acme-token"]),
            (.init(fingerprint: prints[1]), ["acme-token", "github-token"]),
            (.init(path: { $0.hasPrefix("/a/") }), ["github-token"]),
            (.init(rule: "jwt", path: { _ in true }), ["acme-token", "github-token", "github-token"]),
        ]
        for (allowance, left) in cases {
            let policy = try SecretPolicy(adding: [("acme-token", "acme_[a-f0-9]{16}")], allowing: [allowance])
            let report = try await Self.report(layers, policy: policy)
            #expect(report.secrets.map(\.rule) == left)
            #expect(report.allowedSecrets == 3 - left.count)
            #expect(report.findings.contains { $0.id == "allowed-secrets" } == (left.count < 3))
        }
    }

    @Test("A fingerprint stays when lines before it change")
    func fingerprint() async throws {
        let first = try await Self.report([[try file("a", Self.token)]])
        let second = try await Self.report([[try file("a", "x\n\n\(Self.token)")]])
        #expect(first.secrets.map(\.fingerprint) == second.secrets.map(\.fingerprint))
    }

    @Test(
        "A pattern that can't be matched in linear time or has no literal start is refused",
        arguments: [
            ("(a|b)c", "'(' is not supported here; write '\\('"),
            ("[a-z]{3}", "it must begin with 3 literal characters"),
            ("abc", "it has only literal characters"), ("abc[x", "'[' has no ']'"), ("abc\\", "it ends in '\\'"),
            ("abcd{3", "'{' has no '}'"), ("abcd{x}", "'{x}' is not a count"),
            ("abc[z-a]", "a range in [] is reversed"),
        ])
    func wrongPattern(text: String, reason: String) {
        #expect(throws: SecretPatternError(description: reason)) { try SecretPattern(text) }
    }
}
