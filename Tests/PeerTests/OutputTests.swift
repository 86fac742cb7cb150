import Harness
import Testing

/// The outputs of `thaw build -o`, checked by the programs that they are for.
@Suite struct OutputTests {
    private static let words = ["build", "--progress", "quiet", "-t", "app", "context"]

    /// Builds the peers' image once more with these outputs; all steps are cached.
    private static func build(_ directory: TestDirectory, _ outputs: String...) throws {
        let options = outputs.flatMap { ["-o", $0] }
        let outcome = try directory.start(words + options).wait()
        #expect(outcome.status == 0, "\(outcome.error)")
    }

    private static func podman(_ directory: TestDirectory) -> String {
        "podman --root \(directory.path)/root --runroot \(directory.path)/run --storage-driver vfs"
    }

    @Test("skopeo finds the same image in every form", Peers.has("skopeo"))
    func skopeo() throws {
        let directory = try Peers.directory()
        try Self.build(
            directory, "type=oci,dest=oci.tar", "type=docker,dest=docker.tar", "type=oci,dest=layout,tar=false")
        let image = try Inspection("app", in: directory)
        for place in ["oci-archive:oci.tar:latest", "oci:layout:latest", "docker-archive:docker.tar:app:latest"] {
            let config = try Document(
                parsing: Program.shell("skopeo inspect --config \(place)", in: directory.path))
            #expect(config["rootfs"] == image.config["rootfs"], "\(place)")
            #expect(config["config"] == image.config["config"], "\(place)")
            try Program.shell("skopeo copy -q \(place) dir:copied", in: directory.path)
        }
        let digest = try Program.shell(
            "skopeo inspect --format '{{.Digest}}' oci-archive:oci.tar:latest", in: directory.path)
        try directory.succeed(
            "build", "-q", "-o", "type=oci,dest=again.tar", "--metadata-file", "metadata.json", "context")
        let metadata = try Document(parsing: directory.read("metadata.json"))
        #expect(metadata["containerimage.digest"].text == digest)
    }

    @Test(
        "skopeo reads every form of compression and of media types", Peers.has("skopeo"),
        arguments: [
            "compression=zstd,force-compression=true", "compression=uncompressed,force-compression=true",
            "compression=gzip,compression-level=9,force-compression=true", "oci-mediatypes=false",
        ])
    func forms(form: String) throws {
        let directory = try Peers.directory()
        try Self.build(directory, "type=oci,dest=a.tar,\(form)", "type=docker,dest=b.tar,\(form)")
        let plain = try Inspection("app", in: directory).config["rootfs"]
        // skopeo supports OCI's manifests only in a layout.
        let layouts = form.hasPrefix("oci-mediatypes") ? [] : ["oci-archive:a.tar:latest"]
        for place in layouts + ["docker-archive:b.tar:app:latest"] {
            let config = try Document(parsing: Program.shell("skopeo inspect --config \(place)", in: directory.path))
            #expect(config["rootfs"] == plain, "\(place)")
            try Program.shell("skopeo copy -q \(place) dir:copied", in: directory.path)
        }
    }

    @Test(
        "skopeo and buildah take an image with attestations, whichever form they have", Peers.has("skopeo"),
        Peers.has("buildah"), arguments: ["true", "false"])
    func attestations(isArtifact: String) throws {
        let directory = try Peers.directory()
        let outcome = try directory.start(
            Self.words + ["--sbom=true", "--provenance=mode=max", "-o"]
                + ["type=oci,dest=layout,tar=false,oci-artifact=\(isArtifact)"]
        ).wait()
        #expect(outcome.status == 0, "\(outcome.error)")
        let config = try Document(
            parsing: Program.shell("skopeo inspect --config oci:layout:latest", in: directory.path))
        #expect(config["rootfs"] == (try Inspection("app", in: directory).config["rootfs"]))
        try Program.shell(
            "skopeo copy -q --all --preserve-digests oci:layout:latest oci:again:latest", in: directory.path)
        #expect(
            try Program.shell("ls again/blobs/sha256", in: directory.path)
                == Program.shell("ls layout/blobs/sha256", in: directory.path))
        let storage = "--root \(directory.path)/root --runroot \(directory.path)/run --storage-driver vfs"
        let name = try Program.shell("buildah \(storage) from oci:layout:latest", in: directory.path)
        let root = try Program.shell("buildah \(storage) mount \(name)")
        #expect(try Peers.listing(root) == Peers.tree)
        try Program.shell("buildah \(storage) umount \(name)")
    }

    @Test("podman loads the output for docker load, and mounts the tree", Peers.has("podman"))
    func podmanLoads() throws {
        let directory = try Peers.directory()
        try Self.build(directory, "type=docker,dest=docker.tar")
        let podman = Self.podman(directory)
        let told = try Program.shell("\(podman) load -q -i docker.tar", in: directory.path)
        #expect(told == "Loaded image: docker.io/library/app:latest")
        let root = try Program.shell("\(podman) image mount app:latest")
        #expect(try Peers.listing(root) == Peers.tree)
        try Program.shell("\(podman) image umount app:latest")
    }

    @Test("Merged layers unpack to the same tree", Peers.has("umoci"), arguments: ["own", "all"])
    func squash(which: String) throws {
        let directory = try Peers.directory()
        try directory.build(Peers.dockerfile, "--squash", which)
        try directory.succeed("copy", "app", "oci:\(directory.path)/layout:app")
        try Program.shell("umoci unpack --image layout:app bundle 2>&1", in: directory.path)
        #expect(try Peers.listing("\(directory.path)/bundle/rootfs") == Peers.tree)
        let base = try Inspection("busybox", in: directory).layerCount
        #expect(try Inspection("app", in: directory).layerCount == (which == "own" ? base + 1 : 1))
        #expect(try directory.faults() == [])
    }

    @Test("podman mounts an image of merged layers", Peers.has("podman"))
    func squashMounted() throws {
        let directory = try Peers.directory()
        try directory.build(Peers.dockerfile, "--squash", "own")
        let podman = Self.podman(directory)
        let image = try Program.shell("\(podman) pull -q oci:\(directory.store):docker.io/library/app:latest")
        let root = try Program.shell("\(podman) image mount \(image)")
        #expect(try Peers.listing(root) == Peers.tree)
        try Program.shell("\(podman) image umount \(image)")
    }

    @Test("A directory, and a tar that GNU tar unpacks, are the tree")
    func files() throws {
        let directory = try Peers.directory()
        try Self.build(directory, "type=local,dest=directory", "type=tar,dest=files.tar")
        #expect(try Peers.listing("\(directory.path)/directory") == Peers.tree)
        try Program.shell("mkdir unpacked && tar -xpf files.tar --numeric-owner -C unpacked", in: directory.path)
        #expect(try Peers.listing("\(directory.path)/unpacked") == Peers.tree)
    }

    @Test("skopeo sees an index of two platforms, and copies both", Peers.has("skopeo"))
    func platforms() throws {
        let directory = try TestDirectory()
        try directory.write("context/Dockerfile", "FROM scratch\nARG TARGETARCH\nCOPY Dockerfile /$TARGETARCH\n")
        try directory.succeed(
            "build", "--progress", "quiet", "-t", "app", "--platform", "linux/amd64,linux/arm64", "-o",
            "type=oci,dest=oci.tar", "-o", "type=docker,dest=docker.tar", "context")
        let index = try Document(
            parsing: Program.shell("skopeo inspect --raw oci-archive:oci.tar:latest", in: directory.path))
        let architectures = index["manifests"].list.map(\.["platform"]["architecture"])
        #expect(architectures == [.string("amd64"), .string("arm64")])
        try Program.shell("skopeo copy -q --all oci-archive:oci.tar:latest oci:all", in: directory.path)
        for architecture in ["amd64", "arm64"] {
            let config = try Program.shell(
                "skopeo --override-arch \(architecture) inspect --config oci-archive:oci.tar:latest", in: directory.path
            )
            #expect(try Document(parsing: config)["architecture"] == .string(architecture))
        }
        let docker = try Program.shell(
            "skopeo inspect --config docker-archive:docker.tar:app:latest", in: directory.path)
        #expect(try Document(parsing: docker)["architecture"] == .string("amd64"))
    }

    @Test("An image is copied to podman's storage and back", Peers.has("podman"))
    func containersStorage() throws {
        let directory = try Peers.directory()
        try directory.write(
            "storage.conf",
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"\(directory.path)/root\"\nrunroot = \"\(directory.path)/run\"\n"
        )
        let storage = ["CONTAINERS_STORAGE_CONF": "\(directory.path)/storage.conf"]
        for (from, to) in [("app", "containers-storage:app:1"), ("containers-storage:app:1", "back")] {
            let outcome = try directory.thaw("copy", from, to, environment: storage)
            #expect(outcome.status == 0, "\(outcome.error)")
        }
        let (ours, back) = (try Inspection("app", in: directory), try Inspection("back", in: directory))
        #expect(back.config == ours.config)
        let absent = try directory.thaw("history", "containers-storage:absent", environment: storage)
        #expect(absent.status == 1)
        #expect(absent.error.contains("exited with 125"))
        #expect(try directory.faults() == [])
    }

    @Test("podman reads thaw's archives, and thaw podman's", Peers.has("podman"))
    func save() throws {
        let directory = try Peers.directory()
        let podman = Self.podman(directory)
        try directory.succeed("save", "--format", "oci-archive", "-o", "oci.tar", "app")
        try Program.shell("\(podman) load -q -i oci.tar", in: directory.path)
        try directory.succeed("save", "-o", "saved.tar", "app", "busybox")
        #expect(try Program.shell("\(podman) load -q -i saved.tar | wc -l", in: directory.path) == "2")
        try Program.shell("\(podman) save -q -m -o theirs.tar app busybox", in: directory.path)
        try directory.succeed("rm", "app", "busybox")
        let names = try directory.succeed("load", "-i", "theirs.tar").split(separator: "\n").sorted()
        #expect(names == ["app:latest", "busybox:latest"])
        #expect(try directory.faults() == [])
    }
}
