import Linux
import Testing

@testable import OCI

@Suite("Names")
struct NameTests {
    @Test(
        "A digest is sha256: and 64 lower-case hex digits",
        arguments: ["", "sha256:", "sha256:AB", "md5:aa", String(repeating: "a", count: 64)])
    func malformedDigests(text: String) {
        #expect(throws: OCIError.malformedDigest(text)) { try Digest(text) }
    }

    @Test("The digest of nothing is the well-known one")
    func emptyDigest() {
        #expect("\(Digest(of: []))" == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test(
        "References are normalised as Docker does it",
        arguments: [
            ("debian", "docker.io/library/debian:latest", "debian:latest"),
            ("debian:bookworm-slim", "docker.io/library/debian:bookworm-slim", "debian:bookworm-slim"),
            ("someone/app", "docker.io/someone/app:latest", "someone/app:latest"),
            ("localhost/app:1", "localhost/app:1", "localhost/app:1"),
            ("registry.example:5000/a/b:v1", "registry.example:5000/a/b:v1", "registry.example:5000/a/b:v1"),
            ("[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"),
            ("index.docker.io/library/x", "docker.io/library/x:latest", "x:latest"),
        ])
    func references(text: String, full: String, familiar: String) throws {
        let reference = try Reference(text)
        #expect(reference.description == full)
        #expect(reference.familiar == familiar)
    }

    @Test(
        "Malformed references are refused",
        arguments: [
            "", "UPPER", "a:", "a b", "a//b", "-a", "a@sha256:1", "a:b:c", "é", "./a", "../a", "-.b/a", ":5000/a",
        ])
    func malformedReferences(text: String) {
        #expect(throws: OCIError.self) { try Reference(text) }
    }

    @Test("Paths sort so that a directory's contents directly follow it")
    func pathOrder() throws {
        let sorted = try ["a-b", "a/b", "a", "ab", "a/c/d"].map { try ImagePath($0) }.sorted()
        #expect(sorted.map(\.description) == ["/a", "/a/b", "/a/c/d", "/a-b", "/ab"])
    }

    @Test("JSON keeps unknown members, and encodes with sorted keys")
    func json() throws {
        let text = #"{"z":1,"a":{"unknown":[true,null,1.5,"/"]}}"#
        let json = try JSON(parsing: Array(text.utf8), what: "test")
        #expect(String(decoding: json.bytes, as: UTF8.self) == #"{"a":{"unknown":[true,null,1.5,"/"]},"z":1}"#)
        #expect(throws: OCIError.self) { try JSON(parsing: Array("{".utf8), what: "test") }
    }
}
