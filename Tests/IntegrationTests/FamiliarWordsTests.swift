import Harness
import Testing

/// The lines that users of Docker, crane and skopeo type.
@Suite struct FamiliarWordsTests {
    static let equal: [(line: [String], own: [String])] = [
        (["image", "ls"], ["images"]), (["ls"], ["images"]),
        (["image", "inspect", "busybox"], ["inspect", "busybox"]),
        (["manifest", "busybox"], ["inspect", "--raw", "busybox"]),
        (["config", "busybox"], ["inspect", "--config", "busybox"]),
        (["system", "df"], ["df"]), (["version"], ["--version"]),
        (["image", "history", "--human=false", "busybox"], ["history", "--no-human", "busybox"]),
    ]

    @Test("A line of another tool prints what thaw's own line prints", arguments: equal)
    func agrees(line: [String], own: [String]) throws {
        let directory = try TestDirectory.withBusybox()
        let (result, expected) = try (
            directory.start(line, environment: [:]).wait(), directory.start(own).wait()
        )
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output == expected.output)
    }

    static let listings: [(options: [String], expected: String)] = [
        (["-q", "--no-trunc"], "ID"), (["--format", "{{.Repository}} {{.Tag}}"], "busybox latest\nother latest"),
        (["--format", "{{.Repository}}", "busybox"], "busybox"),
        (["--format", "{{.ID}}", "busybox:latest", "--no-trunc"], "ID"),
        (["-f", "reference=oth*", "--format", "{{.Repository}}"], "other"), (["--filter", "dangling=true", "-q"], ""),
        (["--format", "{{.Repository}}", "-f", "reference=other:latest"], "other"),
    ]

    @Test("thaw images lists as docker images does", arguments: listings)
    func lists(options: [String], expected: String) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.succeed("tag", "busybox", "other")
        let id = try directory.document("inspect", "busybox")["id"].text
        let result = try directory.start(["images"] + options).wait()
        #expect(result.status == 0, "\(result.error)")
        #expect(result.line == expected.replacing("ID", with: id ?? ""))
    }

    @Test("Options joined as in Docker build the same image")
    func joined() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("app/Dockerfile", "FROM busybox\nENV A=1\n")
        let digest = try directory.succeed("build", "-q", "-t", "one", "app")
        #expect(try directory.succeed("buildx", "build", "-qttwo", "--no-cache=false", "app") == digest)
        #expect(try directory.succeed("rmi", "two").isEmpty)
    }

    static let refused: [(line: [String], message: String)] = [
        (["biuld", "."], "thaw: there is no command 'biuld' (did you mean build?)"),
        (["help", "nope"], "thaw: there is no command 'nope'"),
        (["run", "--rm", "x"], "thaw: thaw does not run containers as services"),
        (["images", "-f", "color=red"], "thaw: there is no filter 'color=red'"),
        (["images", "--format", "{{.Nope}}"], "thaw: --format: there is no field .Nope"),
        (["images", "--nope"], "thaw: Unknown option '--nope'"),
    ]

    @Test("A line without an equivalent ends with status 64 and one sentence", arguments: refused)
    func refuses(line: [String], message: String) throws {
        let directory = try TestDirectory.withBusybox()
        let result = try directory.start(line).wait()
        #expect(result.status == 64)
        #expect(result.error.hasPrefix(message), "\(result.error)")
        #expect(result.output.isEmpty)
    }
}
