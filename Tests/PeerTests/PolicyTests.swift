import Harness
import Testing

/// The images that containers' policy.json accepts: with signatures of OpenSSL's keys, and without by skopeo's answer.
///
/// Debian's skopeo is built without signatures of sigstore.
@Suite(
    Peers.has("skopeo"), Peers.has("openssl"),
    .enabled(
        if: DockerRegistry.isInstalled, "docker-registry is not installed; 'make deps' installs it"))
struct PolicyTests {
    /// Writes a layout whose image `sig` is cosign's signature of a manifest for a name.
    private static let signer = """
        import base64, hashlib, json, os, subprocess, sys
        name, digest, key, kind, place = sys.argv[1:]
        payload = json.dumps({"critical": {"identity": {"docker-reference": name}, "image":
            {"docker-manifest-digest": digest}, "type": "cosign container image signature"}, "optional": None}).encode()
        open("payload", "wb").write(payload)
        words = ["dgst", "-sha256", "-sign", key, "payload"] if kind == "ec" else \\
            ["pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", "payload"]
        signature = base64.b64encode(subprocess.check_output(["openssl"] + words)).decode()
        os.makedirs(place + "/blobs/sha256", exist_ok=True)
        def blob(data, kind, **more):
            digest = hashlib.sha256(data).hexdigest()
            open(place + "/blobs/sha256/" + digest, "wb").write(data)
            return {"mediaType": kind, "digest": "sha256:" + digest, "size": len(data), **more}
        layer = blob(payload, "application/vnd.dev.cosign.simplesigning.v1+json",
            annotations={"dev.cosignproject.cosign/signature": signature})
        config = json.dumps({"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers",
            "diff_ids": [layer["digest"]]}}).encode()
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": blob(config, "application/vnd.oci.image.config.v1+json"), "layers": [layer]}
        entry = blob(json.dumps(manifest).encode(), manifest["mediaType"],
            annotations={"org.opencontainers.image.ref.name": "sig"})
        open(place + "/index.json", "w").write(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
        open(place + "/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
        """

    /// A registry with `team/app:1`, and keys.
    static func place() throws -> (
        directory: TestDirectory, registry: DockerRegistry, digest: String
    ) {
        let (directory, registry) = (try Peers.directory(), try DockerRegistry())
        let digest = try directory.succeed(
            "push", "--progress", "quiet", "app", "\(registry.host)/team/app:1")
        try directory.write("sign.py", signer)
        try Program.shell(
            """
            openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem 2>/dev/null
            openssl genpkey -algorithm ed25519 -out ed.pem
            openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.pem 2>/dev/null
            for key in ec ed other; do openssl pkey -in $key.pem -pubout -out $key.pub; done
            mkdir -p registries.d
            printf 'default-docker:\\n  use-sigstore-attachments: true\\n' >registries.d/default.yaml
            """, in: directory.path)
        return (directory, registry, digest)
    }

    private static func sign(
        _ directory: TestDirectory, _ registry: DockerRegistry, _ digest: String, as name: String,
        key: String
    ) throws {
        try Program.shell(
            "python3 sign.py \(name) \(digest) \(key).pem \(key) signed", in: directory.path)
        let tag = "sha256-\(digest.dropFirst("sha256:".count)).sig"
        try directory.succeed(
            "push", "--progress", "quiet", "oci:\(directory.path)/signed:sig",
            "\(registry.host)/team/app:\(tag)")
    }

    /// Pulls with a policy for the registry; returns the first line of stderr, or nil after a success.
    static func refusal(
        _ directory: TestDirectory, _ registry: DockerRegistry, _ requirement: String,
        judge: Bool = true
    ) throws -> String? {
        let scope = "{\"docker\": {\"\(registry.host)/team\": [\(requirement)]}}"
        try Program.shell("mkdir -p config/containers", in: directory.path)
        try directory.write(
            "config/containers/policy.json",
            "{\"default\": [{\"type\": \"reject\"}], \"transports\": \(scope)}")
        let name = "\(registry.host)/team/app:1"
        let outcome = try directory.thaw(
            "pull", "--progress", "quiet", name,
            environment: ["XDG_CONFIG_HOME": "\(directory.path)/config"])
        if judge {
            let peer = try Program.shell(
                """
                skopeo copy -q --policy config/containers/policy.json --registries.d registries.d \
                    --src-tls-verify=false docker://\(name) dir:peer >peer.log 2>&1 && echo accepted || echo refused
                """, in: directory.path)
            #expect(peer == (outcome.status == 0 ? "accepted" : "refused"), "\(outcome.error)")
        }
        return outcome.status == 0 ? nil : outcome.error
    }

    static func signed(
        _ directory: TestDirectory, _ key: String, identity: String? = "matchRepository"
    ) -> String {
        let rule = identity.map { ", \"signedIdentity\": {\"type\": \"\($0)\"}" } ?? ""
        return "{\"type\": \"sigstoreSigned\", \"keyPath\": \"\(directory.path)/\(key).pub\"\(rule)}"
    }

    @Test(
        "An image is accepted with a signature by the key for its name, and refused without",
        arguments: ["ec", "ed"])
    func signatures(key: String) throws {
        let (directory, registry, digest) = try Self.place()
        let repository = "\(registry.host)/team/app"
        func refusal(_ requirement: String) throws -> String? {
            try Self.refusal(directory, registry, requirement, judge: false)
        }
        #expect(try refusal(Self.signed(directory, key))?.contains("it has no signature by") == true)
        try Self.sign(directory, registry, digest, as: repository, key: key)
        #expect(try refusal(Self.signed(directory, key)) == nil)
        #expect(try refusal(Self.signed(directory, "other")) != nil)
        // cosign's name has no tag, so it is not exactly that of the image.
        #expect(try refusal(Self.signed(directory, key, identity: nil)) != nil)
        try Self.sign(directory, registry, digest, as: "\(repository):1", key: key)
        #expect(try refusal(Self.signed(directory, key, identity: nil)) == nil)
        try Self.sign(directory, registry, digest, as: "\(registry.host)/team/wrong", key: key)
        #expect(try refusal(Self.signed(directory, key)) != nil)
    }

    @Test(
        "A policy without signatures accepts or rejects; one that needs GnuPG is refused with a sentence"
    )
    func others() throws {
        let (directory, registry, _) = try Self.place()
        #expect(try Self.refusal(directory, registry, "{\"type\": \"insecureAcceptAnything\"}") == nil)
        #expect(
            try Self.refusal(directory, registry, "{\"type\": \"reject\"}")?.contains("rejects the image")
                == true)
        let gpg = "{\"type\": \"signedBy\", \"keyType\": \"GPGKeys\", \"keyPath\": \"/absent\"}"
        let sentence = try Self.refusal(directory, registry, gpg)
        #expect(
            sentence?.contains("requires 'signedBy', a signature by GnuPG, which thaw cannot check")
                == true)
        #expect(
            try Self.refusal(directory, registry, "{\"type\": \"maybe\"}")?.contains("is not known")
                == true)
        // FROM reads by the same policy.
        try Self.rejectAll(directory)
        let build = try TestDirectory()
        try build.write("context/Dockerfile", "FROM \(registry.host)/team/app:1\n")
        let outcome = try build.thaw(
            "build", "-q", "context", environment: ["XDG_CONFIG_HOME": "\(directory.path)/config"])
        #expect(outcome.status == 1 && outcome.error.contains("rejects the image"), "\(outcome.error)")
    }

    private static func rejectAll(_ directory: TestDirectory) throws {
        try directory.write("config/containers/policy.json", "{\"default\": [{\"type\": \"reject\"}]}")
    }
}
