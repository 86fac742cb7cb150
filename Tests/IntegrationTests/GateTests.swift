import Harness
import Testing

/// The gate, the history and the file list of the program.
@Suite struct GateTests {
    private static func directory() throws -> TestDirectory {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nRUN head -c 3000 /bin/busybox >/big\nRUN rm /big\nCMD [\"true\"]\n")
        return directory
    }

    @Test("One run of the gate writes each format to its file, and adds the summary of a CI job")
    func outputs() throws {
        let directory = try Self.directory()
        try directory.write("thaw.toml", "[budget]\nlayers = 9\nwaste = 10\n")
        let words = ["gate", "--junit", "gate.xml", "--sarif", "gate.sarif", "--format", "github", "app"]
        let outcome = try directory.start(words, environment: ["GITHUB_STEP_SUMMARY": "summary.md"]).wait()
        #expect(outcome.status == 2, "\(outcome.error)")
        #expect(
            outcome.output.hasPrefix("::error file=thaw.toml,line=3,title=thaw gate%3A waste::app: waste: 3.0kB of 10B")
        )
        #expect(try directory.read("gate.xml").contains("failures=\"1\""))
        #expect(try Document(parsing: directory.read("gate.sarif"))["version"] == .string("2.1.0"))
        #expect(try directory.read("summary.md").contains("/big, deleted-later in layer "))
    }

    @Test("A misspelt budget has its line and a suggestion")
    func suggestion() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("thaw.toml", "[budget]\nlayers = 9\nsise = \"1MB\"\n")
        let outcome = try directory.thaw("gate", "busybox")
        #expect(outcome.status == 64)
        #expect(outcome.stderrLines == ["thaw: thaw.toml:3: unknown key 'budget.sise' (did you mean size?)"])
    }

    @Test("Growth needs a baseline, which is an image or a report")
    func baseline() throws {
        let directory = try Self.directory()
        try directory.write("thaw.toml", "[budget]\ngrowth = 0\n")
        #expect(try directory.thaw("gate", "app").status == 3)
        #expect(try directory.thaw("gate", "--inconclusive", "pass", "app").status == 0)
        let broken = try directory.thaw("gate", "--baseline", "busybox", "app")
        #expect(broken.status == 2 && broken.output.contains("against busybox"), "\(broken.error)")
        try directory.succeed("analyze", "--format", "json", "-o", "old.json", "app")
        let same = try directory.thaw("gate", "--baseline", "old.json", "app")
        #expect(same.status == 0 && same.output.contains("holds  growth: 0B against old.json"), "\(same.error)")
        #expect(try directory.thaw("gate", "--baseline", "thaw.toml", "app").status == 64)
    }

    @Test("The list of files says which layer a file is from, and which one hides it")
    func files() throws {
        let directory = try Self.directory()
        let lines = try directory.succeed("analyze", "--files", "--format", "ndjson", "app").split(separator: "\n")
        let rows = try lines.map { try Document(parsing: String($0)) }
        let big = try #require(rows.first { $0["path"].text == "/big" })
        let (layer, hiddenBy) = (big["layer"].number ?? -1, big["hiddenBy"].number ?? -1)
        #expect(layer > 0 && hiddenBy == layer + 1 && big["state"].text == "deleted")
        #expect(big["createdBy"].text?.hasPrefix("RUN head") == true)
        #expect(big["hiddenByCommand"].text == "RUN rm /big")
        let text = try directory.succeed("analyze", "--files", "--layer", "\(Int(layer))", "app")
        #expect(
            text.contains("deleted by \(Int(hiddenBy))") && text.contains("1 file, 3.0kB; 1 file of them hidden, 3.0kB")
        )
        for words in [["--layer", "9"], ["--depth", "-1"], ["--format", "html"]] {
            #expect(try directory.start(["analyze", "--files"] + words + ["app"]).wait().status == 64, "\(words)")
        }
    }

    @Test("The base is found in the store by its layers")
    func base() throws {
        let directory = try Self.directory()
        let report = try directory.document("analyze", "--format", "json", "app")
        let count = report["base"]["layerCount"].number ?? 0
        #expect(report["base"]["name"].text?.hasPrefix("busybox") == true && count > 0)
        let owners = report["layers"].list.map { $0["owner"].text }
        #expect(owners == [String](repeating: "base", count: Int(count)) + ["yours", "yours"])
        #expect(try directory.document("analyze", "--format", "json", "busybox")["base"]["evidence"] == .null)
    }

    @Test(
        "The history of an image in a registry downloads its configuration only",
        .enabled(if: DockerRegistry.isInstalled, "docker-registry is not installed; 'make deps' installs it"))
    func remote() throws {
        let (directory, registry) = (try Self.directory(), try DockerRegistry())
        let name = "\(registry.host)/team/app:1"
        try directory.succeed("push", "--progress", "quiet", "app", name)
        let blobs = "find empty -type f -size +1000c | wc -l"
        let words = ["--store", "empty", "history", "--format", "{{.CreatedBy}} {{.Size}}", "docker://\(name)"]
        let lines = try directory.start(words).wait()
        #expect(lines.status == 0 && lines.output.contains("rm /big # buildkit -\n"), "\(lines.error)\(lines.output)")
        let few = try Program.shell(blobs, in: directory.path)
        let all = try directory.start(["--store", "empty", "history", "--unpacked", "docker://\(name)"]).wait()
        #expect(all.status == 0 && all.output.contains("3.0kB"), "\(all.error)\(all.output)")
        #expect(try Program.shell(blobs, in: directory.path) != few)
    }

    @Test("The history has Docker's columns, templates and -q; a wrong template is wrong usage")
    func history() throws {
        let directory = try Self.directory()
        let table = try directory.succeed("history", "app")
        #expect(table.hasPrefix("IMAGE          CREATED"))
        #expect(try directory.succeed("history", "-q", "app").split(separator: "\n").last == "<missing>")
        #expect(try directory.succeed("history", "--format", "{{json .Size}}", "app").hasPrefix("\"0B\""))
        let wrong = try directory.thaw("history", "--format", "{{.Id}}", "app")
        #expect(wrong.status == 64 && wrong.error.contains("there is no field .Id"))
        #expect(try directory.succeed("history", "--no-human", "app").contains("T"))
    }

    @Test("diff exits with 2 if asked and different")
    func diff() throws {
        let directory = try Self.directory()
        #expect(try directory.thaw("diff", "--exit-code", "busybox", "app").status == 2)
        #expect(try directory.thaw("diff", "--exit-code", "app", "app").output == "The images are the same.\n")
        let text = try directory.succeed("diff", "--format", "markdown", "busybox", "app")
        #expect(text.hasPrefix("**+") && text.contains("<details><summary>Layers (2)</summary>"))
    }
}
