import Harness
import Testing

/// Other programs unpack our layers to the files that the Dockerfile made.
@Suite struct UnpackTests {
    @Test("umoci unpacks every mode, owner and link", Peers.has("umoci"))
    func umoci() throws {
        let directory = try Peers.directory()
        try directory.succeed("copy", "app", "oci:\(directory.path)/layout:app")
        try Program.shell("umoci unpack --image layout:app bundle 2>&1", in: directory.path)
        #expect(try Peers.listing("\(directory.path)/bundle/rootfs") == Peers.tree)
        let runtime = try Document(parsing: directory.read("bundle/config.json"))
        #expect(runtime["process"]["args"] == .array([.string("/bin/true")]))
        #expect(runtime["process"]["cwd"] == .string("/srv/app"))
        #expect(runtime["process"]["user"]["uid"] == .number(100))
    }

    @Test("podman pulls the image and mounts every mode, owner and link", Peers.has("podman"))
    func podman() throws {
        let directory = try Peers.directory()
        let podman = "podman --root \(directory.path)/root --runroot \(directory.path)/run --storage-driver vfs"
        let image = try Program.shell("\(podman) pull -q oci:\(directory.store):docker.io/library/app:latest")
        let config = try Inspection("app", in: directory).manifest["config"]["digest"].text
        #expect("sha256:\(image)" == config)
        let root = try Program.shell("\(podman) image mount \(image)")
        #expect(try Peers.listing(root) == Peers.tree)
        try Program.shell("\(podman) image umount \(image)")
    }

    @Test("thaw reads and slims the image that umoci repacks", Peers.has("umoci"))
    func repack() throws {
        let directory = try Peers.directory()
        try directory.succeed("copy", "app", "oci:\(directory.path)/layout:app")
        try Program.shell(
            """
            umoci unpack --image layout:app bundle 2>&1
            cd bundle/rootfs && rm data/again && echo more >more && ln more again && chmod 700 srv && cd ../..
            umoci repack --image layout:repacked bundle 2>&1
            """, in: directory.path)
        try directory.succeed("copy", "oci:\(directory.path)/layout:repacked", "repacked")
        let layers = try Inspection("repacked", in: directory).listings()
        #expect(layers.count == (try Inspection("app", in: directory).listings().count) + 1)
        let report = try directory.document("analyze", "--format", "json", "repacked")
        #expect(report["layers"].list.last?["files"]["removed"] == .number(1))
        try directory.succeed("slim", "-t", "slim", "repacked")
        #expect(try directory.faults() == [])
    }
}
