import Linux
import OCI
import Testing

@testable import Registry

/// The scopes and identities of containers' policy.json, by its manual.
@Suite struct SignaturePolicyTests {
    @Test("The most specific scope of an image comes first")
    func scopes() throws {
        #expect(
            SignaturePolicy.scopes(of: try Reference("a.b.example:5000/ns/app:1")) == [
                "a.b.example:5000/ns/app:1", "a.b.example:5000/ns/app", "a.b.example:5000/ns", "a.b.example:5000",
                "*.b.example:5000", "*.example:5000", "",
            ])
    }

    /// A rule, the name in a signature, the image, and true if they suit.
    static let identities: [(SignedIdentity, String, String, Bool)] = [
        (.exact, "h.io/a:1", "h.io/a:1", true), (.exact, "h.io/a:1", "h.io/a:2", false),
        (.exact, "h.io/a", "h.io/a:latest", false), (.repositoryDigestOrExact, "h.io/a:1", "h.io/a:1", true),
        (.repositoryDigestOrExact, "h.io/a:1", "h.io/a:2", false),
        (.repositoryDigestOrExact, "h.io/a:1", "h.io/a@\(digest)", true),
        (.repositoryDigestOrExact, "h.io/b:1", "h.io/a@\(digest)", false), (.repository, "h.io/a", "h.io/a:7", true),
        (.repository, "h.io/a/b", "h.io/a:7", false), (.inRepository("h.io/a"), "h.io/a:1", "mirror.io/a:2", true),
        (.remapped(prefix: "mirror.io", signedPrefix: "h.io"), "h.io/a:1", "mirror.io/a:1", true),
        (.remapped(prefix: "mirror.io", signedPrefix: "h.io"), "h.io/a:1", "mirror.io.evil.io/a:1", false),
        (.remapped(prefix: "mirror.io/x", signedPrefix: "h.io/y"), "h.io/y/a:1", "mirror.io/x/a:1", true),
        (.repository, "not a name", "h.io/a:1", false),
    ]

    private static let digest = "sha256:" + String(repeating: "a", count: 64)

    @Test("A signature's name suits an image by the policy's rule", arguments: identities)
    func identity(rule: SignedIdentity, signed: String, image: String, suits: Bool) throws {
        #expect(rule.accepts(signed, for: try Reference(image)) == suits)
    }

    /// Policies that are malformed, and a word of the sentence.
    static let malformed = [
        ("{}", "'default' has no requirements"), ("{\"default\": []}", "'default' has no requirements"),
        ("{\"default\": [{\"type\": \"maybe\"}]}", "'maybe' is not known"), ("{", "policy.json"),
        ("{\"default\": [{\"type\": \"sigstoreSigned\"}]}", "has no key"),
        ("{\"default\": [{\"type\": \"sigstoreSigned\", \"keyData\": \"eA==\"}]}", "is not a public key in PEM"),
    ]

    @Test("A malformed policy is wrong configuration, and accepts nothing", arguments: malformed)
    func refuses(text: String, sentence: String) throws {
        let error = try #require(throws: RegistryError.self) {
            try SignaturePolicy(parsing: Array(text.utf8), path: "policy.json")
        }
        #expect(error.description.contains(sentence) && error.kind == .usage, "\(error)")
    }
}
