import Harness
import Testing

/// The rules of a platform: `thaw gate --profile`.
@Suite struct ProfileTests {
    private static let sound = "EXPOSE 8080\nENV URL=http://localhost/\nCMD [\"httpd\", \"-p\", \"0.0.0.0:8080\"]\n"

    /// Lines of a Dockerfile, further options, the status and a part of the report.
    static let cases: [(lines: String, options: [String], status: Int32, part: String)] = [
        (sound, [], 0, "holds  disk: needs 8"),
        ("CMD [\"true\"]\n", [], 2, "BROKEN  port: the image has no EXPOSE"),
        (sound + "VOLUME /data\n", [], 2, "BROKEN  volume: VOLUME has no meaning there"),
        (sound + "CMD [\"app\", \"--host=127.0.0.1\"]\n", [], 2, "argument '--host=127.0.0.1'"),
        (sound + "ENV LISTEN_ADDR=localhost:8080\n", [], 2, "ENV LISTEN_ADDR=localhost:8080"),
        (sound + "ENV AWS_SECRET_ACCESS_KEY=kJ3hd82HsQ0pLm7vXzT5yRbN9wEcUaGfOiD4tKqS\n", [], 2, "BROKEN  secrets"),
        (sound, ["--instance-type", "dev"], 0, "of 2.0GB (instance type lite)"),
        (sound, ["--instance-type", "bsic"], 64, "has no instance type 'bsic' (did you mean basic?)"),
        (sound, ["--profile", "cloudfare-containers"], 64, "(did you mean cloudflare-containers?)"),
        (sound, ["--profile", "other.toml"], 2, "BROKEN  platform: linux/amd64; other runs linux/riscv64"),
        (sound, ["--profile", "other.toml"], 2, "BROKEN  disk: needs"),
    ]

    @Test("An image holds or breaks the rules of a platform", arguments: cases)
    func rules(lines: String, options: [String], status: Int32, part: String) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\n" + lines)
        try directory.write(
            "other.toml",
            """
            name = "other"
            date = "2026-01-01"
            platform = "linux/riscv64"
            [size]
            factor = 1.5
            layer = "1MB"
            disk = "1MB"
            """)
        let profile = options.first == "--profile" ? [] : ["--profile", "cloudflare-containers"]
        let outcome = try directory.start(["gate"] + profile + options + ["app"]).wait()
        #expect(outcome.status == status, "\(outcome.output)\(outcome.error)")
        #expect((outcome.output + outcome.error).contains(part), "\(outcome.output)\(outcome.error)")
    }

    @Test("The instance type of wrangler's file is taken, and init writes its memory")
    func wrangler() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\n" + Self.sound)
        try directory.write(
            "wrangler.jsonc",
            #"{"containers": [{"class_name": "App", "image": "context", "instance_type": "basic"}]} // c"#)
        let outcome = try directory.thaw("gate", "--profile", "cloudflare-containers", "app")
        #expect(outcome.output.contains("of 4.0GB (instance type basic)"), "\(outcome.output)")
        #expect(try directory.succeed("init") == "thaw.toml")
        let text = try directory.read("thaw.toml")
        for line in ["\ndockerfile = \"context/Dockerfile\"", "\nmemory = \"1024MiB\"", "\ntcp = 8080"] {
            #expect(text.contains(line), "\(text)")
        }
        #expect(try directory.thaw("init").status == 64)
        #expect(try directory.succeed("gate", "app").contains("holds  secrets"))
    }
}
