import Harness
import Testing

/// Other programs unpack our layers to the files that the Dockerfile made.
@Suite struct UnpackTests {
    @Test("umoci unpacks every mode, owner and link", Peers.has("umoci"))
    func umoci() throws {
        let bench = try Peers.bench()
        try bench.succeed("copy", "app", "oci:\(bench.path)/layout:app")
        try Program.shell("umoci unpack --image layout:app bundle 2>&1", in: bench.path)
        #expect(try Peers.listing("\(bench.path)/bundle/rootfs") == Peers.tree)
        let runtime = try Document(parsing: bench.read("bundle/config.json"))
        #expect(runtime["process"]["args"] == .array([.string("/bin/true")]))
        #expect(runtime["process"]["cwd"] == .string("/srv/app"))
        #expect(runtime["process"]["user"]["uid"] == .number(100))
    }

    @Test("podman pulls the image and mounts every mode, owner and link", Peers.has("podman"))
    func podman() throws {
        let bench = try Peers.bench()
        let podman = "podman --root \(bench.path)/root --runroot \(bench.path)/run --storage-driver vfs"
        let image = try Program.shell("\(podman) pull -q oci:\(bench.store):docker.io/library/app:latest")
        let config = try Inspection("app", in: bench).manifest["config"]["digest"].text
        #expect("sha256:\(image)" == config)
        let root = try Program.shell("\(podman) image mount \(image)")
        #expect(try Peers.listing(root) == Peers.tree)
        try Program.shell("\(podman) image umount \(image)")
    }

    @Test("thaw reads and slims the image that umoci repacks", Peers.has("umoci"))
    func repack() throws {
        let bench = try Peers.bench()
        try bench.succeed("copy", "app", "oci:\(bench.path)/layout:app")
        try Program.shell(
            """
            umoci unpack --image layout:app bundle 2>&1
            cd bundle/rootfs && rm data/again && echo more >more && ln more again && chmod 700 srv && cd ../..
            umoci repack --image layout:repacked bundle 2>&1
            """, in: bench.path)
        try bench.succeed("copy", "oci:\(bench.path)/layout:repacked", "repacked")
        let layers = try Inspection("repacked", in: bench).listings()
        #expect(layers.count == (try Inspection("app", in: bench).listings().count) + 1)
        let report = try bench.document("analyze", "--format", "json", "repacked")
        #expect(report["layers"].list.last?["files"]["removed"] == .number(1))
        try bench.succeed("slim", "-t", "slim", "repacked")
        #expect(try bench.faults() == [])
    }
}
