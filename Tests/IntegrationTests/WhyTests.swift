import Harness
import Testing

/// The reason that a step runs again: the name of the changed input, with its old and new value.
@Suite("Reasons of build steps")
struct WhyTests {
    private static let dockerfile = """
        FROM busybox AS first
        ARG VERSION=1
        RUN echo $VERSION >/one
        COPY early sub/ /copied/
        FROM busybox
        COPY --from=first /copied/early /two
        """

    private func directory() throws -> TestDirectory {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/early", "early\n")
        try directory.write("context/sub/file", "file\n")
        try Program.shell("touch -d @1700000000 context/early context/sub/file context/sub", in: directory.path)
        try directory.write("context/.dockerignore", "Dockerfile\n")
        try directory.write("context/Dockerfile", Self.dockerfile)
        return directory
    }

    private func build(_ directory: TestDirectory, _ options: [String] = []) throws -> [Double: Document] {
        let words = ["build", "--progress", "quiet", "--metadata-file", "metadata.json"] + options + ["context"]
        #expect(try directory.start(words).wait().status == 0)
        let steps = try Document(parsing: directory.read("metadata.json"))["thaw.steps"].list
        return Dictionary(uniqueKeysWithValues: steps.compactMap { step in step["line"].number.map { ($0, step) } })
    }

    /// A change of the context or the options, a line of the Dockerfile, and a reason that it must have.
    static let changes: [(command: String, options: [String], line: Double, reason: String)] = [
        ("echo other >context/early", [], 4, "file /early changed"),
        ("chmod 600 context/sub/file", [], 4, "file /sub/file changed"),
        ("touch context/sub/new", [], 4, "file /sub/new is new"),
        ("rm context/sub/file", [], 4, "file /sub/file is gone"),
        ("true", ["--build-arg", "VERSION=2"], 3, #"variable VERSION changed: "1" -> "2""#),
        ("true", ["--build-arg", "VERSION=2"], 4, "same inputs as before"),
        ("true", ["--no-cache-filter", "FIRST"], 3, "the cache is off"),
        ("true", ["--no-cache-filter", "FIRST"], 6, "same inputs as before"),
        ("echo other >context/early", [], 6, "file /copied/early changed"),
        ("sed -i 's/echo/echo -n/' context/Dockerfile", [], 3, "the instruction is new; before it was: RUN echo $V"),
        ("true", [], 4, "same inputs as before"),
    ]

    @Test("The reason names the changed input", arguments: changes)
    func reasons(command: String, options: [String], line: Double, reason: String) throws {
        let directory = try directory()
        #expect(try build(directory)[line]?["reason"].text == "it was never done before")
        try Program.shell(
            "\(command) && touch -d @1700000000 context/early context/sub/* context/sub", in: directory.path)
        let step = try build(directory, options)[line]
        let changes = step?["changes"].list.compactMap { $0["input"].text } ?? []
        let told = step?["reason"].text ?? ""
        #expect(told.contains(reason) || changes.contains { reason.hasPrefix($0) }, "\(told) \(changes)")
    }

    @Test("An unknown stage of --no-cache-filter is reported")
    func unknownStage() throws {
        let directory = try directory()
        let outcome = try directory.start(["build", "--no-cache-filter", "nosuch, First", "context"]).wait()
        #expect(outcome.status == 0)
        #expect(outcome.error.contains("note: no stage is called 'nosuch', so nothing is run again for it\n"))
        #expect(!outcome.error.contains("'first'"))
    }

    @Test("--expect-cached exits with status 2 and the reason, and runs nothing")
    func expectCached() throws {
        let directory = try directory()
        _ = try build(directory)
        #expect(try directory.start(["build", "--expect-cached", "context"]).wait().status == 0)
        try Program.shell("echo other >context/early", in: directory.path)
        let result = try directory.start(["build", "--expect-cached", "context"]).wait()
        #expect(result.status == 2)
        #expect(result.error.contains("Dockerfile:4: this step is not in the cache: file /early changed"))
    }

    @Test("A step that two stages have in common runs once")
    func common() throws {
        let directory = try TestDirectory.withBusybox()
        let stage = "RUN sleep 1; cat /proc/sys/kernel/random/uuid >/id"
        try directory.write(
            "context/Dockerfile",
            """
            FROM busybox AS a
            \(stage)
            FROM busybox AS b
            \(stage)
            FROM busybox
            COPY --from=a /id /a
            COPY --from=b /id /b
            RUN cmp /a /b
            """)
        let steps = try build(directory, ["--jobs", "2"])
        #expect(Set([steps[2]?["cached"], steps[4]?["cached"]]) == [.bool(true), .bool(false)])
    }
}
