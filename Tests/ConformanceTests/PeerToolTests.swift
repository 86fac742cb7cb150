import Build
import Glibc
import Harness
import Linux
import OCI
import SystemPackage
import Testing

/// The unpacking of example images by skopeo and umoci, which must give the files of the examples.
@Suite("Images read by other tools", .enabled(if: geteuid() == 0, "owners and device nodes need root"))
struct PeerToolTests {
    @Test("skopeo and umoci agree on the files", Peers.has("skopeo"), Peers.has("umoci"), arguments: Peers.examples)
    func unpack(example: Example) async throws {
        let fixture = try await BuildFixture.shared.value
        let image = try await fixture.build(example).image
        // A name of this test alone: two builds of one example may have two creation times.
        let name = "unpacked-\(Peers.name(of: example))"
        try fixture.store.publish(image, as: Reference(name))
        let (place, store) = (fixture.directory.path, fixture.directory.store)
        let digest = try await Offload.run {
            try Program.shell(
                """
                skopeo copy -q oci:\(store):docker.io/library/\(name):latest oci:\(name)-layout:x
                umoci unpack --image \(name)-layout:x \(name)-bundle 2>&1
                skopeo inspect --format '{{.Digest}}' oci:\(name)-layout:x
                """, in: place)
        }
        #expect(digest.hasSuffix(image.descriptor.digest.description))
        let wanted = try Listing(
            parsing: example["tree"] ?? example["tree over base"] ?? [],
            over: example.isOverBase ? fixture.base.listing : nil)
        let found = try await Offload.run { try Listing(Directory(FilePath("\(place)/\(name)-bundle/rootfs"))) }
        #expect(wanted.differences(from: found) == [])
    }
}
