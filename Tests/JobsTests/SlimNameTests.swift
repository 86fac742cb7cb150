import Jobs
import OCI
import Slim
import Testing

/// The name of a slim image, and the proof that it needs to be stored.
@Suite struct SlimNameTests {
    @Test(
        "Without -t it is NAME:slim, wherever the image is from",
        arguments: [
            ("app", "app:slim"), ("app:1.2", "app:slim"), ("host:5000/a/b:x", "host:5000/a/b:slim"),
            ("docker://debian:12", "debian:slim"), ("docker-daemon:app", "app:slim"),
        ])
    func standard(source: String, name: String) throws {
        let made = try SlimName(nil, of: Transport(source), replaces: false)
        #expect(made.reference.familiar == name)
        #expect(!made.isRequested)
        try made.expectOther()
    }

    @Test("A file has no name to derive one from")
    func file() throws {
        #expect(throws: Failure.self) { try SlimName(nil, of: Transport("oci:dir"), replaces: false) }
        #expect(try SlimName("x", of: Transport("oci:dir"), replaces: false).reference.familiar == "x:latest")
    }

    @Test("It never takes its source's name, unless --replace says so")
    func replaces() throws {
        for (tag, source) in [("app", "app"), ("app:latest", "app"), (nil, "app:slim")] {
            #expect(throws: Failure.self) {
                try SlimName(tag, of: Transport(source), replaces: false).expectOther()
            }
            try SlimName(tag, of: Transport(source), replaces: true).expectOther()
        }
        try SlimName("app", of: Transport("docker://app"), replaces: false).expectOther()
    }

    @Test("Only level safe is stored without a proof")
    func proof() throws {
        #expect(throws: Failure.self) { try SlimLevel.closure.expectProof(isProbed: false, isVerified: true) }
        try SlimLevel.safe.expectProof(isProbed: false, isVerified: true)
        try SlimLevel.closure.expectProof(isProbed: false, isVerified: false)
        try SlimLevel.closure.expectProof(isProbed: true, isVerified: true)
        #expect(SlimLevel.standard(isProbed: false, observes: true, isVerified: true) == .safe)
        #expect(SlimLevel.standard(isProbed: false, observes: true, isVerified: false) == .closure)
        #expect(SlimLevel.standard(isProbed: true, observes: true, isVerified: true) == .trace)
        #expect(SlimLevel.standard(isProbed: true, observes: false, isVerified: true) == .closure)
    }
}
