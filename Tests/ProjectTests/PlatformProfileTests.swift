import Harness
import Linux
import Testing

@testable import Project

/// The rules of platforms.
@Suite struct PlatformProfileTests {
    @Test("Each built-in profile is its file in docs/profiles", arguments: PlatformProfile.texts.keys.sorted())
    func builtIn(name: String) throws {
        let text = try #require(PlatformProfile.texts[name])
        #expect(try Program.shell("cat '\(Repository.path)/docs/profiles/\(name).toml'") + "\n" == text)
        let profile = try PlatformProfile(parsing: text, name: name)
        #expect(profile.name == name)
        #expect(profile.instance(named: "dev") == profile.instance(named: "lite"))
    }

    @Test("The disk of an image follows wrangler's rule")
    func disk() throws {
        let text = try #require(PlatformProfile.texts["cloudflare-containers"])
        let profile = try PlatformProfile(parsing: text, name: "x")
        #expect(profile.disk(unpacked: 100_000_001, layers: 3) == ByteCount(110_000_002 + 3 * 16_777_216))
    }

    static let wrong = [
        "", "name = \"x\"",
        "name = \"x\"\ndate = \"d\"\nplatform = \"p\"\n[size]\nfactor = 0.5\nlayer=\"1\"\ndisk=\"1\"",
        "name = \"x\"\ndate = \"d\"\nplatform = \"p\"\n[size]\nfactor = 1.5\nlayer=\"x\"\ndisk=\"1\"", "[",
    ]

    @Test("A wrong profile is refused", arguments: wrong)
    func refuses(text: String) {
        #expect(throws: ProjectError.self) { try PlatformProfile(parsing: text, name: "p.toml") }
    }
}
