import Harness
import Testing

/// skopeo reads the store as an OCI layout, and writes archives that `thaw` reads.
@Suite(Peers.has("skopeo")) struct SkopeoTests {
    @Test("skopeo sees the digest, the layers and the configuration that thaw prints")
    func inspect() throws {
        let directory = try Peers.directory()
        let seen = try Document(
            parsing: Program.shell("skopeo inspect oci:\(directory.store):docker.io/library/app:latest"))
        let image = try Inspection("app", in: directory)
        #expect(seen["Digest"] == .string(image.digest))
        #expect(seen["Layers"] == .array(image.manifest["layers"].list.map(\.["digest"])))
        #expect(seen["Labels"] == .object(["a": .string("b")]))
        #expect(seen["Env"] == .array([.string("PATH=/bin"), .string("GREETING=hello world")]))
        #expect(seen["Os"] == .string("linux"))
    }

    @Test(
        "skopeo copies the image, checking every digest, and thaw loads the copy",
        arguments: ["oci-archive", "docker-archive", "dir"])
    func copies(transport: String) throws {
        let directory = try Peers.directory()
        let target = "\(directory.path)/copy"
        let name =
            transport == "docker-archive"
            ? ":copied:latest" : transport == "dir" ? "" : ":docker.io/library/copied:latest"
        try Program.shell(
            "skopeo copy -q oci:\(directory.store):docker.io/library/app:latest \(transport):\(target)\(name)")
        guard transport != "dir" else {
            #expect(
                try Program.shell("ls \(target) | wc -l") == "\(try Inspection("app", in: directory).layerCount + 3)")
            return
        }
        #expect(try directory.succeed("load", "-i", "copy") == "copied:latest")
        let (ours, theirs) = (try Inspection("app", in: directory), try Inspection("copied", in: directory))
        #expect(theirs.config == ours.config)
        #expect(theirs.layerCount == ours.layerCount)
        #expect(try directory.faults() == [])
    }

    @Test("The same image with zstd and without compression has the same files", arguments: ["zstd", "uncompressed"])
    func compressions(compression: String) throws {
        let directory = try Peers.directory()
        let plain = try Inspection("app", in: directory).config["rootfs"]
        try directory.build(Peers.dockerfile, "--compression", compression, "--no-cache")
        #expect(try Inspection("app", in: directory).config["rootfs"] == plain)
        try Program.shell(
            "skopeo copy -q oci:\(directory.store):docker.io/library/app:latest dir:\(directory.path)/copy")
    }
}

extension Inspection {
    /// The number of layers in the manifest.
    var layerCount: Int { manifest["layers"].list.count }
}
