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

    private func directory() throws -> TestDirectory {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/early", "early\n")
        try directory.write("context/late", "late\n")
        try directory.write("context/unused", "unused\n")
        try Program.shell("touch -d @1700000000 context/early context/late context/unused", in: directory.path)
        return directory
    }

    /// Builds the image; returns the lines of the steps that ran.
    private func build(_ directory: TestDirectory, _ options: String...) throws -> [Double] {
        try directory.write("context/Dockerfile", Self.dockerfile)
        try directory.write("context/.dockerignore", "Dockerfile\n")
        var words = ["build", "--progress", "quiet", "-t", "app", "--metadata-file", "metadata.json"] + options
        words.append("context")
        #expect(try directory.start(words).wait().status == 0)
        return try Document(parsing: directory.read("metadata.json"))["thaw.steps"].list
            .filter { $0["cached"] != .bool(true) }.compactMap(\.["line"].number).sorted()
    }

    @Test("A second build runs nothing and gives the same image")
    func unchanged() throws {
        let directory = try directory()
        #expect(try build(directory) == [2, 3, 4, 6, 7, 8])
        let manifest = try Inspection("app", in: directory).manifest
        #expect(try build(directory) == [])
        #expect(try Inspection("app", in: directory).manifest == manifest)
    }

    /// A file that changes, and the lines that must run again.
    static let changes: [(String, [Double])] = [
        ("early", [3, 4, 6, 8]), ("late", [7, 8]), ("unused", []),
    ]

    @Test("A changed file runs only the steps that depend on it", arguments: changes)
    func changed(file: String, lines: [Double]) throws {
        let directory = try directory()
        _ = try build(directory)
        try directory.write("context/\(file)", "other\n")
        try Program.shell("touch -d @1700000000 context/\(file)", in: directory.path)
        #expect(try build(directory) == lines)
        if file != "unused" {
            #expect(try Inspection("app", in: directory).content(of: "three", inLayer: 7).contains("other"))
        }
    }

    @Test("--no-cache and another store give the same digest")
    func reproduces() throws {
        let (directory, other) = (try directory(), try directory())
        _ = try build(directory)
        _ = try build(other)
        let manifest = try Inspection("app", in: directory).manifest
        #expect(try build(directory, "--no-cache") == [2, 3, 4, 6, 7, 8])
        #expect(try Inspection("app", in: directory).manifest == manifest)
        #expect(try Inspection("app", in: other).manifest == manifest)
    }

    @Test("Another build argument runs only the steps that can use it")
    func arguments() throws {
        let directory = try TestDirectory.withBusybox()
        let dockerfile = "FROM busybox\nRUN true\nARG WHO\nRUN echo $WHO >/who\n"
        try directory.build(dockerfile, "--build-arg", "WHO=one")
        try directory.build(dockerfile, "--build-arg", "WHO=two", "--metadata-file", "metadata.json")
        let steps = try Document(parsing: directory.read("metadata.json"))["thaw.steps"].list
        #expect(steps.map(\.["cached"]) == [.bool(true), .bool(false)])
        #expect(try Inspection("app", in: directory).content(of: "who", inLayer: 6) == "two")
    }

    @Test("prune keeps the data of named images, and builds work after it")
    func prune() throws {
        let directory = try directory()
        _ = try build(directory)
        let manifest = try Inspection("app", in: directory).manifest
        try directory.succeed("prune", "--all")
        #expect(try directory.faults() == [])
        #expect(try build(directory) == [2, 3, 4, 6, 7, 8])
        #expect(try Inspection("app", in: directory).manifest == manifest)
    }
}
