import Harness
import Testing

/// Cached build steps of another store, in a directory and in the image itself.
@Suite("External caches")
struct CacheTransferTests {
    private static let dockerfile = """
        FROM busybox AS tools
        RUN cat /proc/sys/kernel/random/uuid >/tmp/id
        FROM busybox
        COPY --from=tools /tmp/id /id
        RUN cat /proc/sys/kernel/random/uuid >/own
        """

    private func directory() throws -> TestDirectory {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", Self.dockerfile)
        return directory
    }

    /// Builds the image; returns the lines of the steps that ran.
    private func build(_ directory: TestDirectory, _ options: [String]) throws -> [Double] {
        let words = ["build", "--progress", "quiet", "-t", "app", "--metadata-file", "metadata.json"] + options
        let outcome = try directory.start(words + ["context"]).wait()
        try #require(outcome.status == 0, "\(outcome.error)")
        let steps = try Document(parsing: directory.read("metadata.json"))["thaw.steps"].list
        return steps.filter { $0["cached"] != .bool(true) }.compactMap(\.["line"].number).sorted()
    }

    /// The value of `mode=`, and the lines that another store must run; random steps can't give the same by chance.
    static let modes: [(String, [Double])] = [("max", []), ("min", [2])]

    @Test("A directory has the steps of all stages, or of the image alone", arguments: modes)
    func local(mode: String, again: [Double]) throws {
        let first = try directory()
        #expect(try build(first, ["--cache-to", "type=local,dest=\(first.path)/cache,mode=\(mode)"]) == [2, 4, 5])
        let second = try directory()
        let lines = try build(second, ["--cache-from", "type=local,src=\(first.path)/cache"])
        // If the stage below runs again, the file copied from it is new, and so are all later steps.
        #expect(lines == (again.isEmpty ? [] : [2, 4, 5]))
        if mode == "max" {
            #expect(try Inspection("app", in: second).manifest == Inspection("app", in: first).manifest)
        }
    }

    @Test("An image has the cached steps of its own layers")
    func inline() throws {
        let first = try TestDirectory.withBusybox()
        try first.write("context/Dockerfile", "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/own\n")
        #expect(try build(first, ["--cache-to", "type=inline"]) == [2])
        try first.succeed("copy", "app", "oci:\(first.path)/layout:app")
        let second = try TestDirectory.withBusybox()
        try second.write("context/Dockerfile", "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/own\n")
        #expect(try build(second, ["--cache-from", "type=local,src=\(first.path)/layout"]) == [])
    }

    @Test("A missing cache is skipped with a note; a wrong option is wrong usage")
    func absent() throws {
        let directory = try directory()
        let outcome = try directory.thaw("build", "--cache-from", "type=local,src=nowhere", "context")
        #expect(outcome.status == 0)
        #expect(outcome.error.contains("note: --cache-from 'type=local,src=nowhere' is skipped"))
        #expect(try directory.thaw("build", "--cache-to", "type=gha", "context").status == 64)
        #expect(try directory.thaw("build", "--cache-from", "type=local,src=a,mood=max", "context").status == 64)
    }

    @Test("A layer that differs from the cache's record is refused")
    func lies() throws {
        let first = try directory()
        _ = try build(first, ["--cache-to", "type=local,dest=\(first.path)/cache,mode=max"])
        // Changes every diff ID, and the documents' digests with it.
        try Program.shell(
            """
            python3 - cache <<'E'
            import hashlib, json, sys
            root = sys.argv[1]
            def blob(digest): return f"{root}/blobs/sha256/{digest[7:]}"
            def put(document):
                text = json.dumps(document).encode()
                digest = "sha256:" + hashlib.sha256(text).hexdigest()
                open(blob(digest), "wb").write(text)
                return digest, len(text)
            index = json.load(open(f"{root}/index.json"))
            manifest = json.load(open(blob(index["manifests"][0]["digest"])))
            config = json.load(open(blob(manifest["config"]["digest"])))
            for layer in config["layers"]: layer["annotations"]["diffID"] = "sha256:" + 64 * "0"
            manifest["config"]["digest"], manifest["config"]["size"] = put(config)
            index["manifests"][0]["digest"], index["manifests"][0]["size"] = put(manifest)
            json.dump(index, open(f"{root}/index.json", "w"))
            E
            """, in: first.path)
        let second = try directory()
        let outcome = try second.thaw("build", "--cache-from", "type=local,src=\(first.path)/cache", "context")
        #expect(outcome.status == 1)
        #expect(outcome.error.contains("000000000000"), "\(outcome.error)")
    }
}
