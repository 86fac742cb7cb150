import Harness
import Testing

/// Images whose configuration claims the diff ID of another image's layer.
@Suite struct ClaimedLayerTests {
    /// A layer in which the account `app` has a number.
    private static func layer(_ number: String) -> [UInt8] {
        var tar = TarMaker()
        tar.addFile("etc/passwd", "root:x:0:0::/:/bin/sh\napp:x:\(number):\(number)::/:/bin/sh\n")
        tar.addFile("etc/group", "root:x:0:\n")
        return tar.archive
    }

    static let steps = ["USER app\nWORKDIR /data\n", "COPY --chown=app file /data/file\n"]

    @Test("Such an image gives no result to a build on the other image", arguments: steps)
    func poisoning(steps: String) throws {
        let directory = try TestDirectory.withBusybox()
        let own = Self.layer("1234")
        try directory.write("layer.tar", own)
        let digest = try "sha256:" + Program.shell("sha256sum layer.tar | cut -d' ' -f1", in: directory.path)
        try LayoutMaker("own", in: directory).add("own", layers: [own], isGzip: true)
        // Compressed: the store reads a plain layer by its diff ID, whatever blob the manifest names.
        try LayoutMaker("liar", in: directory).add(
            "liar", layers: [Self.layer("6666")], diffIDs: [digest], isGzip: true)
        for name in ["own", "liar"] { try directory.succeed("copy", "oci:\(name):\(name)", name) }
        try directory.write("context/file", "content")
        // From here on the store knows the headers of the layer with this diff ID.
        try directory.build("FROM own\nCOPY file /first\n")
        try directory.write("context/Dockerfile", "FROM liar\n\(steps)")
        let refused = try directory.thaw("build", "--progress", "quiet", "-t", "poisoned", "context")
        #expect(refused.status == 1, "\(refused.error)")
        try directory.write("context/Dockerfile", "FROM own\n\(steps)")
        try directory.succeed("build", "--progress", "quiet", "-o", "type=tar,dest=out.tar", "context")
        let list = try Program.shell("tar tvf out.tar --numeric-owner | grep data", in: directory.path)
        #expect(list.contains("1234/1234"), "\(list)")
        #expect(!list.contains("6666"), "\(list)")
    }
}
