import Harness
import Testing

/// The cache of build steps: the steps that run again, and the unchanged results.
@Suite struct CacheTests {
    static let dockerfile = """
        FROM busybox AS first
        RUN echo 1 >/one
        COPY early /early
        RUN cat /early >/two
        FROM busybox
        COPY --from=first /two /two
        COPY late /late
        RUN cat /two /late >/three
        """

    private func bench() throws -> Workbench {
        let bench = try Workbench.withBusybox()
        try bench.write("context/early", "early\n")
        try bench.write("context/late", "late\n")
        try bench.write("context/unused", "unused\n")
        try Program.shell("touch -d @1700000000 context/early context/late context/unused", in: bench.path)
        return bench
    }

    /// Builds the image; returns the lines of the steps that ran.
    private func build(_ bench: Workbench, _ options: String...) throws -> [Double] {
        try bench.write("context/Dockerfile", Self.dockerfile)
        try bench.write("context/.dockerignore", "Dockerfile\n")
        var words = ["build", "--progress", "quiet", "-t", "app", "--metadata-file", "metadata.json"] + options
        words.append("context")
        #expect(try bench.start(words).wait().status == 0)
        return try Document(parsing: bench.read("metadata.json"))["thaw.steps"].list
            .filter { $0["cached"] != .bool(true) }.compactMap(\.["line"].number).sorted()
    }

    @Test("A second build runs nothing and gives the same image")
    func unchanged() throws {
        let bench = try bench()
        #expect(try build(bench) == [2, 3, 4, 6, 7, 8])
        let manifest = try Inspection("app", in: bench).manifest
        #expect(try build(bench) == [])
        #expect(try Inspection("app", in: bench).manifest == manifest)
    }

    /// A file that changes, and the lines that must run again.
    static let changes: [(String, [Double])] = [
        ("early", [3, 4, 6, 7, 8]), ("late", [7, 8]), ("unused", []),
    ]

    @Test("A changed file runs only the steps that depend on it", arguments: changes)
    func changed(file: String, lines: [Double]) throws {
        let bench = try bench()
        _ = try build(bench)
        try bench.write("context/\(file)", "other\n")
        try Program.shell("touch -d @1700000000 context/\(file)", in: bench.path)
        #expect(try build(bench) == lines)
        if file != "unused" {
            #expect(try Inspection("app", in: bench).content(of: "three", inLayer: 7).contains("other"))
        }
    }

    @Test("--no-cache and another store give the same digest")
    func reproduces() throws {
        let (bench, other) = (try bench(), try bench())
        _ = try build(bench)
        _ = try build(other)
        let manifest = try Inspection("app", in: bench).manifest
        #expect(try build(bench, "--no-cache") == [2, 3, 4, 6, 7, 8])
        #expect(try Inspection("app", in: bench).manifest == manifest)
        #expect(try Inspection("app", in: other).manifest == manifest)
    }

    @Test("Another build argument runs only the steps that can use it")
    func arguments() throws {
        let bench = try Workbench.withBusybox()
        let dockerfile = "FROM busybox\nRUN true\nARG WHO\nRUN echo $WHO >/who\n"
        try bench.build(dockerfile, "--build-arg", "WHO=one")
        try bench.build(dockerfile, "--build-arg", "WHO=two", "--metadata-file", "metadata.json")
        let steps = try Document(parsing: bench.read("metadata.json"))["thaw.steps"].list
        #expect(steps.map(\.["cached"]) == [.bool(true), .bool(false)])
        #expect(try Inspection("app", in: bench).content(of: "who", inLayer: 6) == "two")
    }

    @Test("prune keeps the data of named images, and builds work after it")
    func prune() throws {
        let bench = try bench()
        _ = try build(bench)
        let manifest = try Inspection("app", in: bench).manifest
        try bench.succeed("prune", "--all")
        #expect(try bench.faults() == [])
        #expect(try build(bench) == [2, 3, 4, 6, 7, 8])
        #expect(try Inspection("app", in: bench).manifest == manifest)
    }
}
