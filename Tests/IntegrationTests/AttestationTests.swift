import Harness
import Testing

/// `thaw build --attest`, `--provenance` and `--sbom`, and the images that have attestations.
@Suite struct AttestationTests {
    private static let dockerfile = """
        FROM busybox
        ARG TOKEN
        RUN --network=none --mount=type=secret,id=key echo 1 >/one
        COPY status /var/lib/dpkg/status
        COPY os-release /etc/os-release
        LABEL a=b
        CMD ["/bin/true"]
        """

    private static let status = """
        Package: libc6
        Version: 2.36-9+deb12u9
        Architecture: amd64
        Status: install ok installed

        """

    private static func directory() throws -> TestDirectory {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/status", status)
        try directory.write("context/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        return directory
    }

    /// The index of `app` and the manifest of its attestations.
    private static func manifests(_ directory: TestDirectory) throws -> (index: Document, attestation: Document) {
        try directory.succeed("copy", "app", "oci:\(directory.path)/layout:app")
        func blob(_ digest: String) throws -> Document {
            try Document(parsing: directory.read("layout/blobs/sha256/\(digest.dropFirst("sha256:".count))"))
        }
        let top = try Document(parsing: directory.read("layout/index.json"))["manifests"][0]["digest"].text ?? ""
        let index = try blob(top)
        return (index, try blob(index["manifests"][1]["digest"].text ?? ""))
    }

    @Test("An index has the image, and behind it the manifest of its attestations in BuildKit's form")
    func form() throws {
        let directory = try Self.directory()
        try directory.build(Self.dockerfile, "--provenance=true", "--sbom=true")
        let (index, attestation) = try Self.manifests(directory)
        let (image, entry) = (index["manifests"][0], index["manifests"][1])
        #expect(index["manifests"].list.count == 2)
        #expect(entry["platform"] == .object(["architecture": .string("unknown"), "os": .string("unknown")]))
        #expect(entry["annotations"]["vnd.docker.reference.type"].text == "attestation-manifest")
        #expect(entry["annotations"]["vnd.docker.reference.digest"] == image["digest"])
        #expect(attestation["artifactType"].text == "application/vnd.docker.attestation.manifest.v1+json")
        #expect(attestation["subject"]["digest"] == image["digest"])
        #expect(
            attestation["layers"].list.map { $0["mediaType"].text } == [
                "application/vnd.in-toto+json", "application/vnd.in-toto+json",
            ])
        #expect(
            attestation["layers"].list.map { $0["annotations"]["in-toto.io/predicate-type"].text }
                == ["https://spdx.dev/Document", "https://slsa.dev/provenance/v1"])
        let inspection = try directory.document("inspect", "--verify", "app")
        #expect(inspection["digest"] == image["digest"])
        #expect(
            inspection["attestations"][0]["predicateTypes"]
                == .array([.string("https://spdx.dev/Document"), .string("https://slsa.dev/provenance/v1")]))
        #expect(
            try directory.succeed("inspect", "--format", "text", "app").contains("attested  https://spdx.dev/Document"))
        #expect(try DocumentSchema("inspection").violations(by: inspection) == [])
    }

    @Test("With oci-artifact=false the manifest is an image for an unknown platform")
    func imageForm() throws {
        let directory = try Self.directory()
        try directory.build(Self.dockerfile, "--sbom=true", "-o", "type=image,oci-artifact=false")
        let (_, attestation) = try Self.manifests(directory)
        #expect(attestation["artifactType"] == .null)
        #expect(attestation["config"]["mediaType"].text == "application/vnd.oci.image.config.v1+json")
    }

    @Test("The minimal provenance has materials, but no argument, label, secret or Dockerfile")
    func minimal() throws {
        let directory = try Self.directory()
        try directory.write("key", "swordfish")
        try directory.build(
            Self.dockerfile, "--attest", "type=provenance", "--build-arg", "TOKEN=hunter2", "--secret",
            "id=key,src=key", "--label", "owner=me", "--metadata-file", "m.json")
        let text = try directory.succeed("inspect", "--provenance", "app")
        for word in ["hunter2", "TOKEN", "swordfish", "owner", "\"key\"", directory.path] {
            #expect(!text.contains(word), "\(word)")
        }
        let statement = try Document(parsing: text)
        #expect(statement["_type"].text == "https://in-toto.io/Statement/v1")
        #expect(statement["subject"][0]["name"].text == "pkg:docker/app@latest?platform=linux%2Famd64")
        let (definition, run) = (statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"])
        #expect(definition["externalParameters"]["configSource"]["path"].text == "Dockerfile")
        #expect(definition["externalParameters"]["request"]["frontend"].text == "dockerfile.v0")
        #expect(
            definition["externalParameters"]["request"]["locals"].list.map { $0["name"].text } == [
                "context", "dockerfile",
            ])
        #expect(definition["resolvedDependencies"][0]["uri"].text == "pkg:docker/busybox@latest?platform=linux%2Famd64")
        let base = try directory.document("inspect", "busybox")["digest"].text
        #expect("sha256:" + (definition["resolvedDependencies"][0]["digest"]["sha256"].text ?? "") == base)
        #expect(run["metadata"]["buildkit_completeness"]["request"] == .bool(false))
        #expect(run["metadata"]["startedOn"].text?.hasSuffix("Z") == true)
        #expect(run["metadata"].keys.contains("invocationId") == false)
        let metadata = try Document(parsing: directory.read("m.json"))
        #expect(metadata["buildx.build.provenance"] == statement["predicate"])
        #expect(try DocumentSchema("buildMetadata").violations(by: metadata) == [])
    }

    @Test("The full provenance has arguments, labels, names of secrets and the Dockerfile, but no secret's value")
    func maximal() throws {
        let directory = try Self.directory()
        try directory.write("key", "swordfish")
        try directory.build(
            Self.dockerfile, "--provenance", "mode=max,version=v0.2", "--build-arg", "TOKEN=hunter2", "--secret",
            "id=key,src=key", "--label", "owner=me")
        let text = try directory.succeed("inspect", "--provenance", "app")
        #expect(!text.contains("swordfish"))
        let predicate = try Document(parsing: text)["predicate"]
        let parameters = predicate["invocation"]["parameters"]
        #expect(
            parameters["args"] == .object(["build-arg:TOKEN": .string("hunter2"), "label:owner": .string("me")]))
        #expect(parameters["secrets"][0]["id"].text == "key")
        #expect(predicate["metadata"]["completeness"]["parameters"] == .bool(true))
        let source = predicate["metadata"]["https://mobyproject.org/buildkit@v1#metadata"]["source"]["infos"][0]
        let encoded = try #require(source["data"].text)
        #expect(try Program.shell("echo \(encoded) | base64 -d | head -1") == "FROM busybox")
    }

    @Test("The bill of materials lists the packages with the fields that SPDX 2.3 requires")
    func bill() throws {
        let directory = try Self.directory()
        try directory.build(Self.dockerfile, "--sbom=true")
        let document = try Document(parsing: directory.succeed("inspect", "--sbom", "app"))["predicate"]
        #expect(document["spdxVersion"].text == "SPDX-2.3" && document["dataLicense"].text == "CC0-1.0")
        #expect(document["SPDXID"].text == "SPDXRef-DOCUMENT")
        for key in ["name", "documentNamespace", "creationInfo"] { #expect(document[key] != .null) }
        #expect(document["creationInfo"]["creators"][0].text?.hasPrefix("Tool: thaw-") == true)
        for package in document["packages"].list {
            for key in ["SPDXID", "name", "downloadLocation"] { #expect(package[key].text != nil, "\(key)") }
        }
        let libc = try #require(document["packages"].list.first { $0["name"].text == "libc6" })
        #expect(
            libc["externalRefs"][0]["referenceLocator"].text
                == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12")
        let relations = document["relationships"].list.map { $0["relationshipType"].text }
        #expect(relations == ["DESCRIBES", "CONTAINS"])
    }

    @Test("The same build with SOURCE_DATE_EPOCH has the same digest, with all attestations")
    func reproducible() throws {
        let first = try Self.directory()
        let digests = try [first, TestDirectory(copying: first)].map { directory in
            try directory.build(
                Self.dockerfile, "--provenance", "mode=max", "--sbom=true", "--no-cache", "--build-arg",
                "SOURCE_DATE_EPOCH=1700000000", "--secret", "id=key,env=HOME", "--metadata-file", "m.json")
            return try Document(parsing: directory.read("m.json"))["containerimage.digest"]
        }
        #expect(digests[0] == digests[1])
    }

    @Test("Without the options there is no index, and the image has the ID of the one inside of an attested index")
    func absent() throws {
        let directory = try Self.directory()
        let plain = try directory.build(Self.dockerfile)
        #expect(try directory.document("inspect", "app")["mediaType"].text?.hasSuffix("image.manifest.v1+json") == true)
        #expect(
            try directory.build(Self.dockerfile, "--sbom=false", "--attest", "type=provenance,disabled=true") == plain)
        #expect(try directory.build(Self.dockerfile, "--sbom=true") == plain)
        #expect(try directory.document("inspect", "app")["id"].text == plain)
    }

    @Test("Every command reads the image of the platform, also FROM; an attestation is no platform")
    func readers() throws {
        let directory = try Self.directory()
        try directory.build(Self.dockerfile, "--sbom=true", "--provenance=true")
        let row = try directory.document("images", "--format", "json")["images"].list.first {
            $0["name"].text == "app:latest"
        }
        #expect(row?["platforms"] == .array([.string("linux/amd64")]))
        for words in [
            ["analyze", "app"], ["history", "app"], ["slim", "-t", "small", "app"], ["diff", "app", "busybox"],
        ] {
            #expect(try directory.start(words).wait().status == 0, "\(words)")
        }
        try directory.write("context/Dockerfile", "FROM app\nRUN --network=none test -e /one\n")
        try directory.succeed("build", "--progress", "quiet", "-t", "next", "context")
        try directory.write("context/Dockerfile", "FROM --platform=unknown/unknown app\n")
        let outcome = try directory.thaw("build", "-q", "context")
        #expect(outcome.status == 1)
        #expect(outcome.stderrLines.first?.contains("linux/amd64") == true, "\(outcome.error)")
        #expect(try directory.faults() == [])
        // A collection keeps the attestations of a named image.
        try directory.succeed("prune", "--all")
        #expect(try directory.succeed("inspect", "--sbom", "app").contains("SPDX-2.3"))
    }

    @Test("An archive for Docker is written without attestations, with a note")
    func docker() throws {
        let directory = try Self.directory()
        try directory.build(Self.dockerfile)
        let outcome = try directory.thaw(
            "build", "-t", "app", "--sbom=true", "-o", "type=docker,dest=a.tar", "context")
        #expect(outcome.status == 0)
        #expect(outcome.error.contains("-o type=docker has no place for attestations"))
        let index = try Document(parsing: Program.shell("tar -xOf a.tar index.json", in: directory.path))
        #expect(index["manifests"][0]["mediaType"].text == "application/vnd.oci.image.manifest.v1+json")
    }

    @Test("Files in a directory or a tar have the attestations beside them, with the files as subjects")
    func files() throws {
        let directory = try Self.directory()
        let dockerfile = "FROM scratch\nCOPY status os-release /sub/\nCOPY status /first\n"
        try directory.build(dockerfile, "--provenance=true", "--sbom=true", "-o", "type=local,dest=out")
        try directory.build(
            dockerfile, "--provenance=true", "--sbom=true", "-o", "type=tar,dest=out.tar,attestation-prefix=my-")
        try Program.shell("mkdir tar; tar -xf out.tar -C tar", in: directory.path)
        let sums = try Program.shell("cd out; sha256sum first sub/*", in: directory.path).split(separator: "\n")
        for (file, type) in [
            ("out/provenance.json", "https://slsa.dev/provenance/v1"),
            ("out/sbom.spdx.json", "https://spdx.dev/Document"),
            ("tar/my-provenance.json", "https://slsa.dev/provenance/v1"),
            ("tar/my-sbom.spdx.json", "https://spdx.dev/Document"),
        ] {
            let statement = try Document(parsing: directory.read(file))
            #expect(statement["predicateType"].text == type)
            let subjects = statement["subject"].list.map {
                "\($0["digest"]["sha256"].text ?? "")  \($0["name"].text ?? "")"
            }
            #expect(subjects == sums.map(String.init), "\(file)")
        }
        #expect(try Program.shell("stat -c %a out/provenance.json", in: directory.path) == "600")
        // The next export replaces them, also one that removes all other files.
        try directory.build(dockerfile, "--sbom=true", "-o", "type=local,dest=out,mode=delete")
        #expect(try Program.shell("ls out | sort | xargs", in: directory.path) == "first sbom.spdx.json sub")
        try directory.build(dockerfile, "-o", "type=local,dest=out,mode=delete")
        #expect(try Program.shell("ls out | sort | xargs", in: directory.path) == "first sub")
    }

    @Test("The files of several platforms have attestations of their own, also in one directory")
    func filesOfPlatforms() throws {
        let directory = try Self.directory()
        let options = ["--platform", "linux/amd64,linux/arm64", "--sbom=true", "-o"]
        try directory.write("context/Dockerfile", "FROM scratch\nARG TARGETARCH\nCOPY status /$TARGETARCH\n")
        for output in ["type=local,dest=split", "type=local,dest=one,platform-split=false"] {
            #expect(try directory.start(["build", "-q"] + options + [output, "context"]).wait().status == 0)
        }
        #expect(
            try Program.shell("find split one -type f | sort | xargs", in: directory.path) == """
                one/amd64 one/arm64 one/sbom.spdx.linux_amd64.json one/sbom.spdx.linux_arm64.json \
                split/linux_amd64/amd64 split/linux_amd64/sbom.spdx.json split/linux_arm64/arm64 \
                split/linux_arm64/sbom.spdx.json
                """)
    }

    @Test("An attestation never replaces a file of the image", arguments: ["local", "tar"])
    func takenName(type: String) throws {
        let directory = try Self.directory()
        try directory.write("context/Dockerfile", "FROM scratch\nCOPY status /provenance.json\n")
        let outcome = try directory.thaw("build", "-q", "--provenance=true", "-o", "type=\(type),dest=out", "context")
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines == [
                "thaw: the image has /provenance.json, where its attestation would be",
                "      add attestation-prefix=PREFIX to -o",
            ])
        #expect(try Program.shell("ls", in: directory.path).contains("out") == false)
    }

    /// Options that are refused, and the sentences.
    static let refused: [([String], String)] = [
        (["--attest", "mode=max"], "--attest 'mode=max' has no type"),
        (["--attest", "type=vex"], "--attest 'type=vex': thaw makes no attestation of type 'vex'"),
        (["--provenance", "mode=most"], "--provenance 'mode=most': mode 'most' is not min or max"),
        (["--provenance", "maybe"], "--provenance 'maybe': 'maybe' is not KEY=VALUE"),
        (["--sbom", "generator=x"], "--sbom 'generator=x': thaw runs no generator image: it lists packages itself"),
        (
            ["--attest", "type=provenance,color=red"],
            "--attest 'type=provenance,color=red': thaw does not know 'color'"
        ),
    ]

    @Test("A wrong attestation is refused before anything is built", arguments: refused)
    func refuses(options: [String], sentence: String) throws {
        let directory = try TestDirectory()
        try directory.write("context/Dockerfile", "FROM scratch\nCOPY absent /\n")
        let outcome = try directory.start(["build", "-q"] + options + ["context"]).wait()
        #expect(outcome.status == 64)
        #expect(outcome.stderrLines.first == "thaw: \(sentence)")
    }

    @Test("Each platform of an index has its own attestations")
    func platforms() throws {
        let directory = try Self.directory()
        try directory.build(
            "FROM scratch\nARG TARGETARCH\nLABEL arch=$TARGETARCH\nCOPY status /\n", "--platform",
            "linux/amd64,linux/arm64", "--provenance=true")
        try directory.succeed("copy", "app", "oci:\(directory.path)/layout:app")
        let top = try Document(parsing: directory.read("layout/index.json"))["manifests"][0]["digest"].text ?? ""
        let index = try Document(parsing: directory.read("layout/blobs/sha256/\(top.dropFirst(7))"))["manifests"].list
        #expect(index.map { $0["platform"]["architecture"].text } == ["amd64", "arm64", "unknown", "unknown"])
        #expect(
            index.suffix(2).map { $0["annotations"]["vnd.docker.reference.digest"] }
                == index.prefix(2).map { $0["digest"] })
    }

    @Test("The base's name and digest are annotations of the manifest, and only of images that keep its layers")
    func base() throws {
        let directory = try Self.directory()
        let digest = try directory.document("inspect", "busybox")["digest"]
        func annotations(_ name: String = "app") throws -> Document {
            try directory.document("inspect", name)["manifest"]["annotations"]
        }
        try directory.build("FROM busybox AS a\nFROM a\nLABEL a=b\n")
        #expect(try annotations()["org.opencontainers.image.base.name"].text == "docker.io/library/busybox:latest")
        #expect(try annotations()["org.opencontainers.image.base.digest"] == digest)
        try directory.write("context/Dockerfile", "FROM app\nCOPY status /\n")
        try directory.succeed("build", "--progress", "quiet", "-t", "next", "context")
        #expect(try annotations("next")["org.opencontainers.image.base.name"].text == "docker.io/library/app:latest")
        try directory.build("FROM busybox\nCOPY status /\n", "--squash", "all")
        #expect(try annotations() == .null)
        try directory.build("FROM scratch\nCOPY status /\n")
        #expect(try annotations() == .null)
    }
}
