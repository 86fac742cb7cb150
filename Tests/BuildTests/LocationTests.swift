import OCI
import SystemPackage
import Testing

@testable import Build

@Suite("The locations of a build's files")
struct LocationTests {
    /// The parts of an address: remote, ref, directory, checksum.
    static let repositories: [(String, String)] = [
        ("https://h/o/r.git", "https://h/o/r.git - - -"),
        ("http://h:8080/r.git#main", "http://h:8080/r.git main - -"),
        ("https://h/r.git#v1:sub/dir", "https://h/r.git v1 sub/dir -"),
        ("https://h/r.git#:sub", "https://h/r.git - sub -"),
        ("https://h/r.git#v1:../a/./../b//", "https://h/r.git v1 b -"),
        ("https://h/r.git?tag=v1", "https://h/r.git refs/tags/v1 - -"),
        ("https://h/r.git?branch=a/b&subdir=%64ir", "https://h/r.git refs/heads/a/b dir -"),
        ("https://h/r.git?ref=pull/1/head&commit=ABCDEF1", "https://h/r.git pull/1/head - abcdef1"),
        ("https://h/r.git?checksum=1234567&commit=1234567", "https://h/r.git - - 1234567"),
        ("https://h/r.git?ref=x#x:d", "https://h/r.git x d -"),
        ("git@h:o/r", "git@h:o/r - - -"),
        ("git@h:o/r.git#x:d", "git@h:o/r.git x d -"),
        ("git@h:o/r.git?tag=v1", "git@h:o/r.git refs/tags/v1 - -"),
        ("ssh://git@h:22/o/r", "ssh://git@h:22/o/r - - -"),
        ("git://h/r#x", "git://h/r x - -"),
    ]

    @Test("An address of a repository has a remote, a ref, a directory and a checksum", arguments: repositories)
    func repository(text: String, read: String) throws {
        let location = try #require(try GitLocation(text))
        let subdirectory = location.subdirectory.isEmpty ? "-" : location.subdirectory
        let words = [location.remote, location.ref ?? "-", subdirectory, location.checksum ?? "-"]
        #expect(words.joined(separator: " ") == read)
    }

    @Test("Flags of the query are true when bare")
    func flags() throws {
        let hash = String(repeating: "a1", count: 20)
        let text = "https://h/r.git?keep-git-dir&submodules=0&mtime=commit&fetch-by-commit=true&commit=\(hash)"
        let location = try #require(try GitLocation(text))
        #expect(location.keepsGitDirectory == true)
        #expect(!location.hasSubmodules)
        #expect(location.fetchesByCommit)
        #expect(location.commit == hash)
        #expect(try GitLocation("https://h/r.git#\(hash)")?.commit == hash)
        #expect(try GitLocation("https://h/r.git?ref=main&commit=\(hash)")?.commit == nil)
    }

    @Test(
        "Other addresses are not repositories",
        arguments: [
            "dir", "./a@b:c/d", "https://h/file.tar", "https://h/r", "http://h/x.git/file", "github.com/o/r", "",
            "file:///r.git", "https:/h/r.git", "@h:x", "a@:x", "-u@h:x",
        ])
    func noRepository(text: String) throws { #expect(try GitLocation(text) == nil) }

    @Test("github.com/owner/name is a repository only as a context")
    func bare() throws {
        #expect(try GitLocation("github.com/o/r#x", allowsBare: true)?.remote == "https://github.com/o/r")
        let context = try ContextLocation(context: "github.com/o/r")
        #expect(try context == .git(#require(try GitLocation("github.com/o/r", allowsBare: true))))
        #expect(try ContextLocation(named: "github.com/o/r") == .directory("github.com/o/r"))
    }

    /// The address, and the end of its error.
    static let malformed: [(String, String)] = [
        ("https://h/r.git?x=1", "has the unknown field 'x' in its query"),
        ("https://h/r.git?ref=a&ref=a", "has 'ref' twice in its query"),
        ("https://h/r.git?ref=a&branch=b", "has conflicting values of 'branch'"),
        ("https://h/r.git?tag=v1#v2", "has conflicting values of 'tag'"),
        ("https://h/r.git?subdir=a#:b", "has conflicting values of 'subdir'"),
        ("https://h/r.git?commit=1234567&checksum=1234568", "has conflicting values of 'checksum'"),
        ("https://h/r.git?ref=", "has no value for 'ref' in its query"),
        ("https://h/r.git?submodules=maybe", "has a 'submodules' that is neither true nor false"),
        ("https://h/r.git?mtime=now", "has an 'mtime' that is neither commit nor checkout"),
        ("https://h/r.git?commit=main", "has a checksum that is not a commit's"),
        ("https://h/r.git?fetch-by-commit&ref=main", "has fetch-by-commit, but no commit"),
        ("https://h/r.git#--upload-pack=x", "names '--upload-pack=x', which can't be a branch, tag or commit"),
        ("https://h/r.git#a..b", "names 'a..b', which can't be a branch, tag or commit"),
        ("git@h:r?ref=a%20b", "names 'a b', which can't be a branch, tag or commit"),
    ]

    @Test("A malformed address of a repository is rejected with the reason", arguments: malformed)
    func refused(text: String, reason: String) {
        let error = #expect(throws: BuildError.self) { try GitLocation(text) }
        #expect(error?.description.hasSuffix(" \(reason)") == true, "\(error?.description ?? "")")
    }

    @Test("A password is not shown")
    func redacted() throws {
        #expect("\(try #require(try GitLocation("https://u:secret@h/r.git#x")))" == "https://xxxxx@h/r.git#x")
        #expect(SourceAddress.redacted("https://u@h/x") == "https://xxxxx@h/x", "it may be a token")
        #expect(SourceAddress.withoutUser("https://u:p@h/r.git") == "https://h/r.git")
        #expect(SourceAddress.withoutUser("ssh://git@h/r.git") == "ssh://git@h/r.git")
    }

    /// Values of `--build-context NAME=`, parsed.
    static let named: [(String, ContextLocation)] = [
        ("dir", .directory("dir")), ("../x:y", .directory("../x:y")), ("docker-image://scratch", .scratch),
        ("oci-layout://a/b", .layout("a/b", nil)), ("oci-layout:///a:1/b:tag", .layout("/a:1/b", "tag")),
        (
            "oci-layout://a@sha256:\(String(repeating: "0", count: 64))",
            .layout("a", "sha256:" + String(repeating: "0", count: 64))
        ),
        ("target:base", .stage("base")), ("https://h/x.tar", .web("https://h/x.tar")),
    ]

    @Test("The value of a named context determines its kind", arguments: named)
    func namedContext(text: String, location: ContextLocation) throws {
        #expect(try ContextLocation(named: text) == location)
    }

    @Test("An image as a context has its full name")
    func image() throws {
        #expect(try ContextLocation(named: "docker-image://a:1") == .image(Reference("docker.io/library/a:1")))
    }

    @Test(
        "A malformed context is rejected",
        arguments: [
            "", "ftp://h/x", "file:///x", "docker-image://UPPER", "docker-image://", "target:",
            "oci-layout://a@sha256:0",
            "oci-layout://:tag", "x://y",
        ])
    func badContexts(text: String) {
        #expect(throws: BuildError.self) { try ContextLocation(named: text) }
    }

    @Test("CONTEXT is a directory unless it has another form")
    func contexts() throws {
        #expect(try ContextLocation(context: "-") == .standardInput)
        #expect(try ContextLocation(context: "a/b") == .directory("a/b"))
        #expect(try ContextLocation(context: "https://h/c.tgz") == .web("https://h/c.tgz"))
        #expect(throws: BuildError.self) { try ContextLocation(context: "file:///x") }
    }

    @Test(
        "The name of a file on the web is the last component of its path",
        arguments: [
            ("http://h/a/b.txt?x=y", "b.txt"), ("http://h/%41b", "Ab"), ("http://h/", nil), ("http://h", nil),
            ("http://h/a/", nil), ("http://h/a/..", nil), ("http://h/a%2Fb", nil), ("http://h/%zz", "%zz"),
            ("http://h/a%00", nil), ("http://h/%", "%"),
        ] as [(String, String?)])
    func fileName(address: String, name: String?) { #expect(SourceAddress(address)?.fileName == name) }

    @Test(
        "Dates of HTTP become seconds since 1970",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Wed, 31 Dec 1969 00:00:00 GMT", 0), ("Sunday, 06-Nov-94 08:49:37 GMT", nil), ("", nil),
            ("Sun, 6 Nov 1994 08:49:37 GMT", nil), ("Sun, 06 Now 1994 08:49:37 GMT", nil),
            ("Sun, 06 Nov 1994 08:49 GMT", nil),
        ] as [(String, Int64?)])
    func dates(text: String, seconds: Int64?) { #expect(HTTPDate.seconds(text) == seconds) }

    @Test(
        "Base64 is that of RFC 4648",
        arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")])
    func base64(text: String, encoded: String) { #expect(Base64.padded(Array(text.utf8)) == encoded) }
}
