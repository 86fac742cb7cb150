import Harness
import Testing

/// Tests through Debian's registry: `thaw` pulls other programs' images, and they pull its images.
@Suite(
    Peers.has("skopeo"),
    .enabled(if: DockerRegistry.isInstalled, "docker-registry is not installed; 'make deps' installs it"))
struct RegistryPeerTests {
    @Test("thaw pulls an image that skopeo pushes, in OCI's form and Docker's", arguments: ["oci", "v2s2"])
    func pull(format: String) throws {
        let (directory, registry) = (try Peers.directory(), try DockerRegistry())
        let name = "\(registry.host)/team/app:\(format)"
        try Program.shell(
            """
            skopeo copy -q --dest-tls-verify=false --format \(format) \
                oci:\(directory.store):docker.io/library/app:latest docker://\(name)
            """)
        let digest = try directory.succeed("pull", "--progress", "quiet", name)
        let seen = try Document(parsing: Program.shell("skopeo inspect --tls-verify=false docker://\(name)"))
        #expect(seen["Digest"] == .string(digest))
        let inspected = try directory.document("inspect", "--verify", name)
        #expect(inspected["verified"] == .bool(true))
        #expect(inspected["digest"] == .string(digest))
        #expect(inspected["config"]["rootfs"] == (try Inspection("app", in: directory).config["rootfs"]))
        #expect(try directory.faults() == [])
    }

    @Test("Build steps are exported to a registry, and a build with another store reuses all of them")
    func cache() throws {
        let (first, registry) = (try TestDirectory.withBusybox(), try DockerRegistry())
        let place = "type=registry,ref=\(registry.host)/team/cache:1"
        let dockerfile = """
            FROM busybox AS made
            RUN cat /proc/sys/kernel/random/uuid >/tmp/id
            FROM busybox
            COPY --from=made /tmp/id /id
            RUN cat /proc/sys/kernel/random/uuid >/own
            """
        let digest = try first.build(dockerfile, "--cache-to", "\(place),mode=max")
        let second = try TestDirectory.withBusybox()
        #expect(try second.build(dockerfile, "--cache-from", place, "--expect-cached") == digest)
        let seen = try Program.shell(
            "skopeo inspect --raw --tls-verify=false docker://\(registry.host)/team/cache:1")
        #expect(
            try Document(parsing: seen)["config"]["mediaType"] == .string("application/vnd.buildkit.cacheconfig.v0"))
    }

    @Test("skopeo copies thaw's image with every digest checked, and podman mounts it", Peers.has("podman"))
    func push() throws {
        let (directory, registry) = (try Peers.directory(), try DockerRegistry())
        let name = "\(registry.host)/team/app:1"
        let digest = try directory.succeed("push", "--progress", "quiet", "app", name)
        try Program.shell("skopeo copy -q --src-tls-verify=false docker://\(name) dir:\(directory.path)/copy")
        let copied = try Program.shell("sha256sum \(directory.path)/copy/manifest.json | cut -c1-64")
        #expect("sha256:\(copied)" == digest)
        let podman = "podman --root \(directory.path)/root --runroot \(directory.path)/run --storage-driver vfs"
        let image = try Program.shell("\(podman) pull -q --tls-verify=false \(name)")
        let root = try Program.shell("\(podman) image mount \(image)")
        #expect(try Peers.listing(root) == Peers.tree)
        try Program.shell(
            """
            \(podman) image umount \(image)
            \(podman) push -q --tls-verify=false \(image) \(registry.host)/team/back:1
            """)
        try directory.succeed("pull", "--progress", "quiet", "\(registry.host)/team/back:1")
        try directory.succeed("inspect", "--verify", "\(registry.host)/team/back:1")
    }

    @Test("Tags that match are copied with their digests, between registries, a layout and the store")
    func severalTags() throws {
        let (directory, registry) = (try Peers.directory(), try DockerRegistry())
        let digest = try directory.succeed("copy", "app", "docker://\(registry.host)/a/app:1.0")
        for tag in ["1.1", "1.2-rc1", "2.0"] {
            try directory.succeed("copy", "app", "docker://\(registry.host)/a/app:\(tag)")
        }
        let source = "docker://\(registry.host)/a/app"
        let filter = ["copy", "--all-tags", "--preserve-digests", "--tags", "1.*", "--tags", "!*-rc*"]
        func copied(_ words: String...) throws -> [String] {
            let outcome = try directory.start(filter + words).wait()
            #expect(outcome.status == 0, "\(outcome.error)")
            return outcome.output.split(separator: "\n").map(String.init)
        }
        #expect(try copied("--dry-run", source, "docker://\(registry.host)/b/app") == ["1.0", "1.1"])
        #expect(try copied(source, "docker://\(registry.host)/b/app") == ["\(digest)  1.0", "\(digest)  1.1"])
        let tags = try Program.shell("skopeo list-tags --tls-verify=false docker://\(registry.host)/b/app")
        #expect(try Document(parsing: tags)["Tags"].list.count == 2)
        #expect(try copied(source, "oci:\(directory.path)/layout").count == 2)
        #expect(try copied("oci:\(directory.path)/layout", "mirror/app").count == 2)
        #expect(try directory.document("inspect", "mirror/app:1.1")["digest"] == .string(digest))
        for (words, sentence) in [
            ([source + ":1.0", "b"], "names one image, but --all-tags copies a whole repository"),
            ([source, "docker-daemon:b"], "--all-tags cannot use 'docker-daemon:b'"),
            (["--tags", "9*", source, "b"], "none of the 4 tags"),
        ] {
            let outcome = try directory.start(["copy", "--all-tags"] + words).wait()
            #expect(outcome.status != 0 && outcome.error.contains(sentence), "\(outcome.error)")
        }
    }

    @Test("A dry run of delete lists the tags of the manifest; a place without manifests can't keep digests")
    func dryRun() throws {
        let (directory, registry) = (try Peers.directory(), try DockerRegistry())
        for (image, tag) in [("app", "1"), ("app", "2"), ("busybox", "3")] {
            try directory.succeed("push", "--progress", "quiet", image, "\(registry.host)/a/app:\(tag)")
        }
        let digest = try directory.document("inspect", "docker://\(registry.host)/a/app:1")["digest"].text ?? ""
        #expect(try directory.succeed("delete", "--dry-run", "\(registry.host)/a/app:1") == "\(digest)\n1\n2")
        #expect(try directory.succeed("list-tags", "\(registry.host)/a/app").split(separator: "\n").count == 3)
        let outcome = try directory.thaw("copy", "--preserve-digests", "app", "docker-archive:\(directory.path)/a.tar")
        #expect(outcome.status == 1)
        #expect(outcome.error.contains("cannot keep the digests"))
    }

    @Test("An image with attestations is pushed whole, and its registry finds it again")
    func attested() throws {
        let (directory, registry) = (try Peers.directory(), try DockerRegistry())
        let name = "\(registry.host)/team/app:1"
        try directory.succeed(
            "build", "-q", "--sbom=true", "--provenance=true", "--push", "-t", name, "--metadata-file", "m.json",
            "context")
        let digest = try Document(parsing: directory.read("m.json"))["containerimage.digest"]
        let again = try TestDirectory()
        try again.succeed("pull", "--progress", "quiet", name)
        #expect(try again.succeed("inspect", "--sbom", "docker://\(name)").contains("SPDX-2.3"))
        let seen = try Program.shell("skopeo inspect --tls-verify=false docker://\(name)")
        #expect(try Document(parsing: seen)["Digest"] == digest)
        try Program.shell(
            "skopeo copy -q --all --src-tls-verify=false docker://\(name) oci:\(directory.path)/whole:x")
        #expect(try Program.shell("grep -l in-toto.io/Statement \(directory.path)/whole/blobs/sha256/* | wc -l") == "2")
    }

    @Test("Copying from registry to registry, layout and archive keeps the digest")
    func copies() throws {
        let (directory, registry) = (try Peers.directory(), try DockerRegistry())
        let name = "docker://\(registry.host)/a/app:1"
        let digest = try directory.succeed("copy", "app", name)
        #expect(try directory.succeed("copy", name, "docker://\(registry.host)/b/app:1") == digest)
        #expect(
            try directory.succeed("copy", "docker://\(registry.host)/b/app:1", "oci:\(directory.path)/layout:x")
                == digest)
        #expect(try directory.succeed("copy", name, "copied") == digest)
        #expect(try directory.document("inspect", name)["digest"] == .string(digest))
        let storage = "\(registry.path)/storage/docker/registry/v2"
        let uploads = try Program.shell("find \(storage)/repositories/b -path '*_uploads/*' -type f")
        #expect(uploads == "")
        #expect(try directory.faults() == [])
    }

    @Test("A name that is not in the store is looked up in its registry")
    func lookup() throws {
        let (directory, registry) = (try Peers.directory(), try DockerRegistry())
        let name = "\(registry.host)/team/app:1"
        try directory.succeed("push", "--progress", "quiet", "app", name)
        let other = try TestDirectory()
        let history = try other.succeed("history", "--no-human", "--unpacked", "docker://\(name)")
        #expect(history == (try directory.succeed("history", "--no-human", "app")))
        #expect(try other.succeed("history", "--no-human", "--unpacked", name) == history)
        try other.write("context/Dockerfile", "FROM \(name)\nCOPY more /more\n")
        try other.write("context/more", "more")
        try other.succeed("build", "--progress", "quiet", "-t", "next", "context")
        #expect(try Inspection("next", in: other).manifest["layers"].list.count > 1)
    }

    @Test("thaw and skopeo have access after thaw login, thaw none after logout; no password is ever printed")
    func login() throws {
        let (directory, registry) = (try Peers.directory(), try DockerRegistry(tls: true, login: true))
        let name = "\(registry.host)/private/app:1"
        let options = "--cert-dir \(registry.path)"
        let environment = ["DOCKER_CONFIG": "\(directory.path)/docker", "HOME": directory.path]
        func login(_ password: String) throws -> ProgramResult {
            try Program.run(
                [
                    "sh", "-c",
                    "printf '%s\\n' '\(password)' | \(Binary.path) login -u \(DockerRegistry.user) --password-stdin "
                        + "\(options) \(registry.host)",
                ], environment: environment)
        }
        func push() throws -> ProgramResult {
            try directory.thaw("push", "--cert-dir", registry.path, "app", name, environment: environment)
        }
        var outcomes = [try login("hunter2-hunter2"), try push()]
        #expect(outcomes.map(\.status) == [1, 1])
        outcomes += [try login(DockerRegistry.password), try push()]
        #expect(outcomes[2...].map(\.status) == [0, 0], "\(outcomes[3].error)")
        try Program.shell(
            """
            skopeo copy -q --authfile '\(directory.path)/docker/config.json' --src-cert-dir '\(registry.path)' \
                docker://\(name) dir:\(directory.path)/copy
            """)
        outcomes.append(try directory.thaw("logout", registry.host, environment: environment))
        outcomes.append(try push())
        #expect(outcomes[4...].map(\.status) == [0, 1])
        for secret in [DockerRegistry.password, "hunter2-hunter2", "dGhhdz"] {
            #expect(outcomes.allSatisfy { !$0.output.contains(secret) && !$0.error.contains(secret) })
        }
        #expect(outcomes[1].error.contains("\(registry.host)"))
    }

    @Test("A credential helper is used in place of the file")
    func helper() throws {
        let (directory, registry) = (try Peers.directory(), try DockerRegistry(login: true))
        let name = "\(registry.host)/private/app:1"
        try directory.write(
            "bin/docker-credential-test",
            """
            #!/bin/sh
            state=\(directory.path)/secret
            case $1 in
            get) cat >/dev/null; [ -s $state ] && exec cat $state
                echo "credentials not found in native keychain"; exit 1 ;;
            store) sed 's/.*/&/' >$state ;;
            erase) cat >/dev/null; rm $state ;;
            esac
            """, mode: 0o755)
        try directory.write("docker/config.json", #"{"credHelpers":{"\#(registry.host)":"test"},"x":1}"#)
        let path = try Program.shell("echo $PATH")
        let environment = [
            "DOCKER_CONFIG": "\(directory.path)/docker", "HOME": directory.path,
            "PATH": "\(directory.path)/bin:\(path)",
        ]
        #expect(try directory.thaw("push", "app", name, environment: environment).status == 1)
        let words =
            "printf '%s' '\(DockerRegistry.password)' | \(Binary.path) login -u \(DockerRegistry.user) "
            + "--password-stdin \(registry.host)"
        let login = try Program.run(["sh", "-c", words], environment: environment)
        #expect(login.status == 0, "\(login.error)")
        let pushed = try directory.thaw("push", "app", name, environment: environment)
        #expect(pushed.status == 0, "\(pushed.error)")
        #expect(try !directory.read("docker/config.json").contains("dGhhdz"))
        #expect(try directory.thaw("logout", registry.host, environment: environment).status == 0)
        #expect(try directory.thaw("push", "app", name, environment: environment).status == 1)
    }

    @Test(
        "A failure is one sentence with the host, and a status",
        arguments: [
            ("nowhere.invalid/app", "cannot resolve the host name"), ("127.0.0.1:1/app", "no server accepts"),
            ("HOST/missing:1", "not found in the registry"),
        ])
    func failures(name: String, sentence: String) throws {
        let (directory, registry) = (try TestDirectory(), try DockerRegistry())
        let full = name.replacing(text: "HOST", with: registry.host)
        let outcome = try directory.thaw("pull", "--progress", "quiet", full)
        #expect(outcome.status == 1)
        #expect(outcome.error.hasPrefix("thaw: cannot pull \(full)"), "\(outcome.error)")
        #expect(outcome.error.contains(sentence), "\(outcome.error)")
        #expect(try directory.faults() == [])
    }
}

extension String {
    fileprivate func replacing(text: String, with other: String) -> String {
        split(separator: text, omittingEmptySubsequences: false).joined(separator: other)
    }
}
