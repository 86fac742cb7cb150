import Harness
import Testing

/// The image ID, which is the digest of the configuration in every text for people.
@Suite struct ImageIDTests {
    private static func directory() throws -> (directory: TestDirectory, id: String) {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/file", "1")
        let id = try directory.build("FROM busybox\nCOPY file /\n", "--iidfile", "id")
        return (directory, id)
    }

    @Test("A build, images and inspect show the same ID, and so does a copy in another compression")
    func identity() throws {
        let (directory, id) = try Self.directory()
        #expect(try directory.read("id") == id)
        #expect(try directory.document("inspect", "app")["manifest"]["config"]["digest"].text == id)
        try directory.succeed("copy", "app", "oci:layout:app")
        for words in [
            ["images", "-q", "--no-trunc", "app"], ["images", "--no-trunc", "--format", "{{.ID}}", "app"],
            ["inspect", "--format", "{{.Id}}", "app"], ["inspect", "--format", "{{.Id}}", "oci:layout:app"],
            ["build", "-q", "--compression", "zstd", "-o", "type=oci,dest=zstd.tar", "context"],
        ] { #expect(try directory.start(words).wait().line == id, "\(words)") }
        let row = try directory.document("images", "--format", "json", "app")["images"][0]
        #expect(row["id"].text == id)
        #expect(try directory.succeed("inspect", "--format", "text", "app").contains("id        \(id)\n"))
    }

    @Test("A built image has no digest of a registry until its layers are compressed")
    func digests() throws {
        let (directory, id) = try Self.directory()
        #expect(try directory.succeed("images", "--digests", "app").contains("  <none>  \(id.dropFirst(7).prefix(12))"))
        #expect(try directory.succeed("inspect", "--format", "{{.RepoDigests}}", "app") == "[]")
        #expect(try directory.succeed("inspect", "--format", "text", "app").contains("digest") == false)
        try directory.succeed("build", "-q", "-t", "app", "--metadata-file", "m.json", "context")
        let digest = try Document(parsing: directory.read("m.json"))["containerimage.digest"].text ?? ""
        #expect(try directory.succeed("inspect", "--format", "{{.RepoDigests}}", "app") == "[app@\(digest)]")
        #expect(try directory.succeed("images", "--digests", "app").contains("  \(digest)  "))
    }

    @Test("The ID of several platforms is the index's digest, in the store and in exports")
    func platforms() throws {
        let (directory, _) = try Self.directory()
        try directory.write("context/Dockerfile", "FROM scratch\nCOPY file /\n")
        let id = try directory.succeed(
            "build", "-q", "-t", "both", "--platform", "linux/amd64,linux/arm64", "context")
        #expect(try directory.succeed("images", "-q", "--no-trunc", "both") == id)
        try directory.succeed("copy", "both", "oci:layout:both")
        #expect(try Document(parsing: directory.read("layout/index.json"))["manifests"][0]["digest"].text == id)
    }

    @Test("Commands and FROM take an ID, whole or from 12 digits on, for a name")
    func names() throws {
        let (directory, id) = try Self.directory()
        let digits = id.dropFirst("sha256:".count)
        for name in [id, String(digits), String(digits.prefix(12)), "sha256:\(digits.prefix(20))"] {
            #expect(try directory.succeed("inspect", "--format", "{{.Id}}", name) == id, "\(name)")
        }
        try directory.succeed("tag", id, "again")
        #expect(try directory.succeed("images", "-q", "--no-trunc").split(separator: "\n").contains(Substring(id)))
        try directory.write("context/Dockerfile", "FROM \(id)\nLABEL a=b\n")
        try directory.succeed("build", "-q", "-t", "next", "context")
        // Fewer digits are only a name, and other digits are no image.
        for name in [String(digits.prefix(11)), "sha256:" + String(repeating: "0", count: 64)] {
            #expect(try directory.thaw("inspect", name).status == 1, "\(name)")
        }
    }
}
