import Harness
import Testing

/// Bundles of sigstore among the referrers of an image, signed with OpenSSL's keys.
///
/// Debian's skopeo is built without signatures of sigstore, so there is no second judge.
@Suite(
    Peers.has("openssl"),
    .enabled(
        if: DockerRegistry.isInstalled, "docker-registry is not installed; 'make deps' installs it"))
struct SigstoreBundleTests {
    /// Writes a layout whose image `bundle` is the artifact with a bundle about a manifest.
    private static let signer = """
        import base64, hashlib, json, os, subprocess, sys
        name, key, kind, form, place = sys.argv[1:]
        manifest = open("manifest", "rb").read()
        digest = hashlib.sha256(manifest).hexdigest()
        def sign(data):
            open("data", "wb").write(data)
            words = ["dgst", "-sha256", "-sign", key, "data"] if kind == "ec" else \\
                ["pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", "data"]
            return base64.b64encode(subprocess.check_output(["openssl"] + words)).decode()
        def text(data): return base64.b64encode(data).decode()
        subject = {"digest": {"sha256": "0" * 64 if form == "digest" else digest}}
        if name: subject["name"] = name
        predicate = "https://slsa.dev/provenance/v1" if form == "predicate" else "https://sigstore.dev/cosign/sign/v1"
        payload = json.dumps({"_type": "https://in-toto.io/Statement/v1", "subject": [subject],
            "predicateType": predicate, "predicate": {}}).encode()
        type = "application/vnd.in-toto+json"
        signed = ("DSSEv1 %d %s %d " % (len(type), type, len(payload))).encode() + payload
        signature = sign(signed if form != "encoding" else payload)
        if form == "payload": payload = payload.replace(b"{}", b'{"a": 1}')
        envelope = {"payload": text(payload), "payloadType": type, "signatures": [{"sig": signature}]}
        message = {"messageDigest": {"algorithm": "SHA2_256", "digest": text(bytes.fromhex(digest))},
            "signature": sign(manifest)}
        version = "0.1" if form == "version" else "0.3"
        media = "application/vnd.dev.sigstore.bundle.v%s+json"
        bundle = {"mediaType": media % version, "verificationMaterial": {"publicKey": {"hint": ""}}}
        if form == "certificate": bundle["verificationMaterial"] = {"certificate": {"rawBytes": "AAAA"}}
        if form != "message": bundle["dsseEnvelope"] = envelope
        if form in ("message", "both"): bundle["messageSignature"] = message
        if form == "many": envelope["signatures"] *= 17
        data = json.dumps(bundle).encode()
        if form == "text": data = b"{"
        if form == "large": data += b" " * (1 << 20)
        os.makedirs(place + "/blobs/sha256", exist_ok=True)
        def blob(data, kind, **more):
            digest = hashlib.sha256(data).hexdigest()
            open(place + "/blobs/sha256/" + digest, "wb").write(data)
            return {"mediaType": kind, "digest": "sha256:" + digest, "size": len(data), **more}
        layer = blob(data, media % "0.3")
        image = "application/vnd.oci.image.manifest.v1+json"
        artifact = {"schemaVersion": 2, "mediaType": image, "artifactType": media % "0.3",
            "config": blob(b"{}", "application/vnd.oci.empty.v1+json"), "layers": [layer] * (2 if form == "two" else 1),
            "subject": {"mediaType": image, "digest": "sha256:" + digest, "size": len(manifest)}}
        entry = blob(json.dumps(artifact).encode(), image, annotations={"org.opencontainers.image.ref.name": "bundle"})
        open(place + "/index.json", "w").write(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
        open(place + "/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
        """

    /// A registry with `team/app:1`, keys, and the image's manifest in a file.
    private static func place() throws -> (directory: TestDirectory, registry: DockerRegistry) {
        let (directory, registry, _) = try PolicyTests.place()
        try directory.write("bundle.py", signer)
        try Program.shell(
            "'\(Binary.path)' inspect --store store --raw docker://\(registry.host)/team/app:1 >manifest",
            in: directory.path)
        return (directory, registry)
    }

    private static func attach(
        _ form: String, key: String = "ec", name: String = "", to place: (TestDirectory, DockerRegistry)
    ) throws {
        let (directory, registry) = place
        try Program.shell("python3 bundle.py '\(name)' \(key).pem \(key) \(form) bundle", in: directory.path)
        try directory.succeed(
            "push", "--progress", "quiet", "oci:\(directory.path)/bundle:bundle", "\(registry.host)/team/app:bundle")
    }

    private static func refusal(_ place: (TestDirectory, DockerRegistry), _ requirement: String) throws -> String? {
        try PolicyTests.refusal(place.0, place.1, requirement, judge: false)
    }

    @Test("A bundle by the key is a signature, of a statement or of the manifest", arguments: ["ec", "ed"])
    func accepted(key: String) throws {
        for form in ["statement", "message"] {
            let place = try Self.place()
            try Self.attach(form, key: key, to: place)
            #expect(try Self.refusal(place, PolicyTests.signed(place.directory, key)) == nil)
            let other = try Self.refusal(place, PolicyTests.signed(place.directory, "other"))
            #expect(other?.contains("has no signature by the policy's keys") == true, "\(other ?? "")")
            // Without a name it says nothing about the tag.
            let exact = try Self.refusal(place, PolicyTests.signed(place.directory, key, identity: nil))
            #expect(exact?.contains("names no image, which only the signedIdentity 'matchRepository' accepts") == true)
        }
    }

    @Test("A name in a statement must suit the image")
    func names() throws {
        let place = try Self.place()
        let wrong = "\(place.registry.host)/team/other:1"
        try Self.attach("statement", name: wrong, to: place)
        let sentence = try Self.refusal(place, PolicyTests.signed(place.directory, "ec"))
        #expect(sentence?.contains("is for another name") == true, "\(sentence ?? "")")
        // A second bundle is enough, whatever the first one is.
        try Self.attach("statement", name: "\(place.registry.host)/team/app:1", to: place)
        #expect(try Self.refusal(place, PolicyTests.signed(place.directory, "ec", identity: nil)) == nil)
    }

    static let hostile: [(form: String, reason: String)] = [
        ("text", "is not JSON"), ("version", "is not a bundle of version 0.3"),
        ("certificate", "is signed with a certificate, not with a key"),
        ("both", "has not exactly one signed content"), ("many", "has more than 16 signatures"),
        ("predicate", "has a statement of another type than a signature"), ("digest", "is for another image"),
        ("encoding", "has no signature by the policy's keys"), ("payload", "has no signature by the policy's keys"),
        ("two", "is no artifact of one bundle"), ("large", "is larger than 1048576 bytes"),
    ]

    @Test("A bundle that is no signature is refused with its reason", arguments: hostile)
    func refused(form: String, reason: String) throws {
        let place = try Self.place()
        try Self.attach(form, to: place)
        let sentence = try Self.refusal(place, PolicyTests.signed(place.directory, "ec"))
        #expect(sentence?.split(separator: "\n").first?.hasSuffix(reason) == true, "\(sentence ?? "")")
    }
}
