import Harness
import Testing

/// The JSON document of each command, against its schema in `docs/json`.
@Suite struct SchemaTests {
    private static let built = Result {
        let directory = try TestDirectory.withBusybox()
        try directory.build(
            """
            # check=skip=all
            # the image of a server
            FROM busybox AS app
            ARG WHO=one
            RUN --mount=type=cache,target=/cache mkdir /www && head -c 9000 /bin/busybox >/www/a && cp /www/a /www/b
            RUN --mount=type=secret,id=key rm /www/a && echo hello >/www/index.html
            CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
            """, "--metadata-file", "metadata.json")
        try directory.write("thaw.toml", "[budget]\nlayers = 1\nstart = \"1ms\"\n[probe]\nhttp = \"8080/\"\n")
        return directory
    }

    /// The name of a schema, and a command that prints such a document.
    static let commands: [(String, [String])] = [
        ("history", ["history", "--format", "json", "app"]), ("analysis", ["analyze", "--format", "json", "app"]),
        ("analysis", ["analyze", "--format", "json", "--metric", "dive", "app"]),
        ("files", ["analyze", "--files", "--format", "json", "app"]),
        ("files", ["analyze", "--files", "--depth", "1", "--format", "json", "app"]),
        ("diff", ["diff", "--format", "json", "busybox", "app"]), ("images", ["images", "--format", "json"]),
        ("inspection", ["inspect", "--verify", "app"]), ("diskUse", ["df", "--format", "json"]),
        ("caches", ["cache", "ls", "--format", "json"]), ("prune", ["prune", "--format", "json"]),
        ("doctor", ["doctor", "--format", "json"]), ("check", ["lint", "--format", "json", "wrong"]),
        ("check", ["build", "--call", "check,format=json", "-f", "wrong", "context"]),
        ("outline", ["build", "--call", "outline,format=json", "context"]),
        ("targets", ["build", "--call", "targets,format=json", "context"]),
        ("slim", ["slim", "--include", "/www/**", "--format", "json", "-t", "slim", "app"]),
        (
            "slim",
            [
                "slim", "--engine", "container", "--probe", "http:8080/", "--include", "/www/**", "--format", "json",
                "-t", "slim", "app",
            ]
        ),
        ("boot", ["boot", "--engine", "container", "--probe", "http:8080/", "--format", "json", "app"]),
        ("gate", ["gate", "--engine", "container", "--format", "json", "app"]),
    ]

    @Test("Each command's document is valid", arguments: commands)
    func valid(schema: String, words: [String]) throws {
        let directory = try TestDirectory(copying: Self.built.get())
        try directory.write("wrong", "from busybox as App\nMAINTAINER me\nRUN cd /\n")
        let outcome = try directory.start(words).wait()
        #expect([0, 1, 2].contains(outcome.status), "\(outcome.error)")
        #expect(try DocumentSchema(schema).violations(by: Document(parsing: outcome.output)) == [])
    }

    @Test("The file of build --metadata-file is valid")
    func metadata() throws {
        let document = try Document(parsing: Self.built.get().read("metadata.json"))
        #expect(try DocumentSchema("buildMetadata").violations(by: document) == [])
    }

    @Test("The report of optimize is valid")
    func report() throws {
        let directory = try TestDirectory(copying: Self.built.get())
        let outcome = try directory.thaw(
            "optimize", "--progress", "quiet", "--engine", "container", "--include", "/www/**", "--config", "thaw.toml",
            "-o", "report", "context")
        #expect(outcome.status == 2, "\(outcome.error)")
        let report = try Document(parsing: directory.read("report/report.json"))
        #expect(try DocumentSchema("optimization").violations(by: report) == [])
    }

    @Test(
        "The documents about a registry are valid",
        .enabled(if: DockerRegistry.isInstalled, "docker-registry is not installed; 'make deps' installs it"))
    func registry() throws {
        let (directory, registry) = (try TestDirectory(copying: Self.built.get()), try DockerRegistry())
        let name = "\(registry.host)/team/app:1"
        try directory.succeed("push", "--progress", "quiet", "app", name)
        for (schema, words) in [
            ("tags", ["list-tags", "\(registry.host)/team/app"]), ("catalog", ["catalog", registry.host]),
            ("referrers", ["referrers", name]),
        ] {
            let outcome = try directory.start(words + ["--format", "json"]).wait()
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(try DocumentSchema(schema).violations(by: Document(parsing: outcome.output)) == [])
        }
    }
}
