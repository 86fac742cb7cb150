import Harness
import Testing

/// The JSON documents that scripts depend on, alone on stdout.
@Suite struct DocumentTests {
    /// Makes a bench with an image that has a wasted file, a duplicate and an HTTP server.
    private func directory() throws -> TestDirectory { try TestDirectory(copying: Self.built.get()) }

    private static let built = Result {
        let directory = try TestDirectory.withBusybox()
        try directory.write(
            "context/key",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq9Vd0Xk3sQzTnYf4uJpLwRh2GmCeBaOiUyNtSxKlPoWqZv\n-----END RSA PRIVATE KEY-----\n"
        )
        try directory.build(
            """
            FROM busybox
            RUN mkdir /www && head -c 100000 /bin/busybox >/www/a && cp /www/a /www/b
            COPY key /root/.ssh/id_rsa
            RUN rm -r /www/a /root/.ssh
            RUN echo hello >/www/index.html
            CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
            """)
        return directory
    }

    @Test("history is a list with stable keys, newest first")
    func history() throws {
        let rows = try directory().document("history", "--format", "json", "app").list
        for row in rows {
            #expect(
                row.keys == [
                    "created", "createdBy", "size", "compressedSize", "digest", "diffID", "emptyLayer", "comment",
                ])
        }
        #expect(rows.first?["createdBy"].text?.hasPrefix("CMD [\"httpd\"") == true)
        #expect(rows.first?["emptyLayer"] == .bool(true))
        #expect(rows.last?["createdBy"].text?.hasPrefix("COPY --chmod=755 busybox") == true)
        #expect((rows.last?["size"].number ?? 0) > (rows.last?["compressedSize"].number ?? 0))
        #expect(rows.filter { $0["emptyLayer"] == .bool(false) }.allSatisfy { $0["diffID"].text != nil })
    }

    @Test("analyze reports waste, duplicates and secrets with stable keys")
    func analysis() throws {
        let directory = try directory()
        let report = try directory.document("analyze", "--format", "json", "app")
        #expect(
            report.keys.isSuperset(of: [
                "schemaVersion", "kind", "image", "efficiency", "wastedBytes", "userWastedPercent", "layers", "waste",
                "duplicates", "packages", "secrets", "findings",
            ]))
        #expect(report["kind"] == .string("analysis"))
        #expect(
            report["image"].keys.isSuperset(of: [
                "reference", "digest", "platform", "size", "compressedSize", "layerCount",
            ]))
        #expect((report["wastedBytes"].number ?? 0) >= 100_000)
        let efficiency = report["efficiency"].number ?? -1
        #expect(efficiency > 0 && efficiency < 1)
        for layer in report["layers"].list {
            #expect(
                layer.keys.isSuperset(of: ["index", "digest", "diffID", "size", "compressedSize", "createdBy", "files"])
            )
            #expect(layer["files"].keys == ["added", "modified", "removed"])
        }
        let waste = report["waste"].list.first { $0["path"].text?.hasSuffix("www/a") == true }
        #expect(waste?.keys.isSuperset(of: ["path", "count", "bytes", "layers"]) == true)
        for finding in report["findings"].list {
            #expect(finding.keys.isSuperset(of: ["id", "severity", "message", "bytes", "layer", "fix"]))
        }
    }

    @Test("A key that a later layer removes is still reported as a secret, and is not printed")
    func secret() throws {
        let directory = try directory()
        let text = try directory.succeed("analyze", "--format", "json", "app")
        let secret = try Document(parsing: text)["secrets"][0]
        #expect(secret.keys == ["rule", "path", "layer", "line", "deletedLater", "fingerprint"])
        #expect(secret["deletedLater"] == .bool(true))
        #expect(secret["path"].text?.hasSuffix("root/.ssh/id_rsa") == true)
        #expect(!text.contains("MIIEpAIBAAKCAQEA7bq9Vd0Xk3sQzTnYf4uJpLwRh2GmCeBaOiUyNtSxKlPoWqZv"))
    }

    @Test("slim reports sizes and all reasons, and its image gives the same response")
    func slim() throws {
        let directory = try directory()
        let document = try directory.document("slim", "--include", "/www/**", "--format", "json", "-t", "slim", "app")
        #expect(
            document.keys.isSuperset(of: ["schemaVersion", "kind", "before", "after", "kept", "dropped", "reasons"]))
        #expect(document["kind"] == .string("slim"))
        #expect((document["after"]["size"].number ?? 0) < (document["before"]["size"].number ?? 0))
        let answers = try ["app", "slim"].map { name in
            try directory.document("boot", "--engine", "container", "--probe", "http:8080/", "--format", "json", name)[
                "response"]
        }
        #expect(answers == [.object(["status": .number(200), "bytes": .number(6)])] + [answers[0]])
        #expect(try directory.faults() == [])
    }

    /// A budget, and true if it holds.
    static let budgets: [(String, Bool)] = [
        ("size = \"10MB\"", true), ("size = \"1kB\"", false), ("layers = 10", true), ("layers = 2", false),
        ("waste = \"1MB\"", true), ("waste = \"1kB\"", false), ("unpacked = \"1kB\"", false),
    ]

    @Test("gate exits with 2 exactly when a budget does not hold", arguments: budgets)
    func gate(budget: String, holds: Bool) throws {
        let directory = try directory()
        try directory.write("thaw.toml", "[budget]\n\(budget)\n")
        let outcome = try directory.thaw("gate", "--format", "json", "app")
        #expect(outcome.status == (holds ? 0 : 2))
        let document = try Document(parsing: outcome.output)
        #expect(document["kind"] == .string("gate"))
        #expect(document["holds"] == .bool(holds))
        #expect(outcome.error == "")
    }

    @Test("optimize writes one report with all documents, and a self-contained page")
    func optimize() throws {
        let directory = try directory()
        try directory.write(
            "context/thaw.toml",
            "[probe]\nhttp = \"8080/\"\n[boot]\nengine = \"container\"\n[slim]\ninclude = [\"/www/**\"]\n[budget]\nlayers = 1\n"
        )
        let outcome = try directory.thaw(
            "optimize", "--settle", "0s", "--progress", "quiet", "-t", "best", "-o", "report", "context")
        #expect(outcome.status == 0, "\(outcome.error)")
        let report = try Document(parsing: directory.read("report/report.json"))
        #expect(report["kind"] == .string("optimization"))
        #expect(report.keys.isSuperset(of: ["schemaVersion", "build", "analysis", "slim", "boot", "gate"]))
        #expect(report["boot"].keys == ["before", "after", "comparison"])
        #expect(report["boot"]["before"]["response"] == report["boot"]["after"]["response"])
        #expect(report["slim"]["verification"]["passed"] == .bool(true))
        #expect(report["gate"]["holds"] == .bool(true))
        let page = try directory.read("report/report.html")
        #expect(page.contains("<html") && !page.contains("src=\"http") && !page.contains("href=\"http"))
        #expect(try Inspection("best", in: directory).manifest["layers"].list.count == 1)
    }

    @Test(
        "optimize --push pushes the slim image only if it keeps its budgets",
        .enabled(if: DockerRegistry.isInstalled, "docker-registry is not installed; 'make deps' installs it"),
        arguments: ["layers = 1", "size = \"1kB\""])
    func optimizePush(budget: String) throws {
        let (directory, registry) = (try directory(), try DockerRegistry())
        try directory.write(
            "context/thaw.toml",
            "[probe]\nhttp = \"8080/\"\n[boot]\nengine = \"container\"\n[slim]\ninclude = [\"/www/**\"]\n[budget]\n\(budget)\n"
        )
        let name = "\(registry.host)/team/best:1"
        #expect(try directory.thaw("optimize", "--settle", "0s", "--push", "-o", "report", "context").status == 64)
        let outcome = try directory.thaw(
            "optimize", "--settle", "0s", "--progress", "quiet", "--push", "-t", name, "-o", "report", "context")
        let holds = budget == "layers = 1"
        #expect(outcome.status == (holds ? 0 : 2), "\(outcome.error)")
        let other = try TestDirectory()
        #expect(try other.thaw("pull", "--progress", "quiet", name).status == (holds ? 0 : 1))
        if holds { #expect(try other.document("inspect", name)["manifest"]["layers"].list.count == 1) }
    }

    @Test("optimize exits with 2 when the slim image exceeds a budget")
    func optimizeBroken() throws {
        let directory = try directory()
        try directory.write(
            "context/thaw.toml",
            "[probe]\nhttp = \"8080/\"\n[boot]\nengine = \"container\"\n[slim]\ninclude = [\"/www/**\"]\n[budget]\nsize = \"1kB\"\n"
        )
        let outcome = try directory.thaw(
            "optimize", "--settle", "0s", "--progress", "quiet", "context",
            environment: ["XDG_STATE_HOME": "\(directory.path)/state"])
        #expect(outcome.status == 2)
        // The report is outside of the project.
        #expect(try directory.read("state/thaw/context/report.html").contains("<html"))
        #expect(try Program.shell("ls -d context/*report* || true", in: directory.path) == "")
        #expect(outcome.error.contains("the slim image is not kept"), "\(outcome.error)")
    }

    @Test("optimize stores no image with other probe results than the original")
    func optimizeUnlike() throws {
        let directory = try directory()
        try directory.write(
            "context/thaw.toml",
            "[probe]\nhttp = \"8080/\"\ntimeout = \"5s\"\n[boot]\nengine = \"container\"\n[slim]\nexclude = [\"/www/index.html\"]\n"
        )
        let outcome = try directory.thaw(
            "optimize", "--settle", "0s", "--progress", "quiet", "-t", "best", "-o", "report", "context")
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines == [
                "thaw: the slim image differs from the original: probe http:8080/ did not pass within 5 s: "
                    + "the last response had status 404: <HTML><HEAD><TITLE>404 Not Found</TITLE></HEAD>",
                "      keep the missing files with --include or --keep; no image was stored",
            ])
        #expect(try directory.thaw("history", "best").status == 1)
    }

    @Test("doctor and images print only documents", arguments: ["doctor", "images"])
    func documents(command: String) throws {
        let outcome = try TestDirectory.withBusybox().thaw(command, "--format", "json")
        #expect(outcome.status == 0)
        #expect(outcome.error == "")
        #expect(try Document(parsing: outcome.output) != .null)
    }
}
