import Harness
import Testing

/// buildah builds the same Dockerfile, and must get the same files and configuration.
@Suite(Peers.has("buildah")) struct BuildahTests {
    @Test("buildah and thaw build the same root file system and configuration from one Dockerfile")
    func sameBuild() throws {
        let directory = try Peers.directory()
        let buildah = "buildah --root \(directory.path)/root --runroot \(directory.path)/run --storage-driver vfs"
        try Program.shell(
            """
            base=$(\(buildah) pull -q oci:\(directory.store):docker.io/library/busybox:latest)
            \(buildah) tag $base docker.io/library/busybox:latest
            \(buildah) build -q --pull=never --isolation chroot --layers --format oci -t theirs context >/dev/null
            \(buildah) push -q localhost/theirs oci:layout:theirs
            """, in: directory.path)
        try directory.succeed("copy", "oci:\(directory.path)/layout:theirs", "theirs")
        let (ours, theirs) = (try Inspection("app", in: directory), try Inspection("theirs", in: directory))
        for name in ["Env", "Entrypoint", "Cmd", "WorkingDir", "User", "ExposedPorts"] {
            #expect(ours.setting(name) == theirs.setting(name), "\(name)")
        }
        let container = try Program.shell("\(buildah) from --pull=never localhost/theirs")
        let root = try Program.shell("\(buildah) mount \(container)")
        #expect(try Peers.listing(root) == Peers.tree)
        try Program.shell("\(buildah) umount \(container)")
        #expect(try directory.faults() == [])
    }
}
