import Harness
import Testing

extension Inspection {
    /// The number of layers.
    fileprivate var layerCount: Int { config["rootfs"]["diff_ids"].list.count }
}

/// `thaw rebase`: an image on another base, without a build.
@Suite struct RebaseTests {
    /// A store with two versions of `base`, and `app` on the first.
    private static func directory() throws -> TestDirectory {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/own", "own")
        try directory.write("context/version", "1")
        try build("base", "FROM busybox\nENV LEVEL=base\nCOPY version /version\n", in: directory)
        try directory.build("FROM base\nENV A=b\nCOPY own /own\nCMD [\"cat\", \"/version\"]\n")
        try directory.write("context/version", "2")
        try directory.write("context/more", "more")
        try build("base", "FROM busybox\nCOPY version /version\nCOPY more /more\n", in: directory)
        return directory
    }

    private static func build(_ name: String, _ dockerfile: String, in directory: TestDirectory) throws {
        try directory.write("context/Dockerfile", dockerfile)
        try directory.succeed("build", "--progress", "quiet", "-t", name, "context")
    }

    @Test("The own layers and settings move to the current image with the name of the base")
    func current() throws {
        let directory = try Self.directory()
        let before = try Inspection("app", in: directory)
        let id = try directory.succeed("rebase", "--progress", "quiet", "app")
        let after = try Inspection("app", in: directory)
        #expect(try directory.document("inspect", "--verify", "app")["id"].text == id)
        let base = try Inspection("base", in: directory)
        #expect(after.layerCount == base.layerCount + 1)
        #expect(after.config["config"] == before.config["config"])
        #expect(after.config["rootfs"]["diff_ids"].list.last == before.config["rootfs"]["diff_ids"].list.last)
        #expect(Array(after.config["rootfs"]["diff_ids"].list.dropLast()) == base.config["rootfs"]["diff_ids"].list)
        let lines = after.config["history"].list.map { $0["created_by"].text ?? "" }
        #expect(
            lines.filter { $0.hasPrefix("COPY") && !$0.contains("busybox") } == [
                "COPY version /version # buildkit", "COPY more /more # buildkit", "COPY own /own # buildkit",
            ])
        let annotations = try directory.document("inspect", "app")["manifest"]["annotations"]
        #expect(
            annotations["org.opencontainers.image.base.digest"] == (try directory.document("inspect", "base")["digest"])
        )
        #expect(try directory.faults() == [])
        // A second time nothing changes.
        #expect(try directory.succeed("rebase", "--progress", "quiet", "app") == id)
    }

    @Test(
        "The name of an image's base is a name only: no file, no engine", arguments: ["oci:base", "oci-archive:base"])
    func transport(name: String) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build("FROM busybox\nRUN echo own >/own\n")
        try directory.succeed("copy", "busybox", "oci:base:latest")
        try directory.succeed("copy", "app", "oci:app:latest")
        let digest = try directory.document("inspect", "busybox")["digest"].text ?? ""
        let script = """
            import hashlib, json
            index = json.load(open("index.json"))
            entry = index["manifests"][0]
            manifest = json.load(open("blobs/sha256/" + entry["digest"][7:]))
            manifest.setdefault("annotations", {}).update({
                "org.opencontainers.image.base.name": "\(name)", "org.opencontainers.image.base.digest": "\(digest)"})
            data = json.dumps(manifest).encode()
            entry.update(digest="sha256:" + hashlib.sha256(data).hexdigest(), size=len(data))
            open("blobs/sha256/" + entry["digest"][7:], "wb").write(data)
            json.dump(index, open("index.json", "w"))
            """
        try directory.write("edit.py", script)
        try Program.shell("cd app && python3 ../edit.py", in: directory.path)
        try directory.succeed("copy", "oci:app:latest", "hostile")
        let outcome = try directory.thaw("rebase", "--progress", "quiet", "hostile")
        #expect(outcome.status == 1 || outcome.status == 64, "\(outcome.error)")
        #expect(outcome.error.contains("oci"), "\(outcome.error)")
    }

    @Test("An image on the same base as a fresh build has the same layers")
    func same() throws {
        let directory = try Self.directory()
        try directory.succeed("rebase", "--progress", "quiet", "app", "-t", "rebased")
        try directory.build("FROM base\nENV A=b\nCOPY own /own\nCMD [\"cat\", \"/version\"]\n", "-t", "built")
        #expect(
            try Inspection("rebased", in: directory).config["rootfs"]
                == Inspection("built", in: directory).config["rootfs"])
        #expect(try directory.succeed("images").contains("app:latest"))
    }

    /// Words after `rebase`, and the sentence of the refusal.
    static let refused: [([String], String)] = [
        (["busybox", "-t", "x"], "'busybox' does not name its base"),
        (["busybox", "--onto", "base", "-t", "x"], "'busybox' does not say which base it was built on"),
        (
            ["app", "--old-base", "other"],
            "'app' cannot be rebased: the layers of its old base other are not its lowest layers"
        ),
    ]

    @Test("An image that does not stand on the old base is refused", arguments: refused)
    func refuses(words: [String], sentence: String) throws {
        let directory = try Self.directory()
        try Self.build("other", "FROM scratch\nCOPY more /\n", in: directory)
        let outcome = try directory.start(["rebase", "--progress", "quiet"] + words).wait()
        #expect([1, 64].contains(outcome.status))
        #expect(outcome.stderrLines.first == "thaw: \(sentence)", "\(outcome.error)")
    }

    @Test("--old-base and --onto serve an image without annotations")
    func explicit() throws {
        let directory = try Self.directory()
        try directory.build("FROM busybox\nCOPY more /\n", "-t", "first")
        let outcome = try directory.thaw(
            "rebase", "--progress", "quiet", "first", "--old-base", "busybox", "--onto", "base", "-t", "second")
        #expect(outcome.status == 0, "\(outcome.error)")
        let layers = try Inspection("base", in: directory).layerCount
        #expect(try Inspection("second", in: directory).layerCount == layers + 1)
    }
}
