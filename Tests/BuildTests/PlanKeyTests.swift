import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Build

/// The layers of COPY and WORKDIR that a changed step below leaves alone.
@Suite("Keys by plan")
struct PlanKeyTests {
    private static func file(_ name: String, _ text: String, _ space: Workspace) throws {
        let path = try space.write("context/\(name)", text)
        // Old enough for a key by metadata.
        try Directory(path.removingLastComponent()).setModified(
            of: FilePath(path.lastComponent?.string ?? ""), FileTime(seconds: 1_700_000_000))
    }

    /// Builds a Dockerfile; returns the image and the lines that ran.
    private static func build(
        _ dockerfile: String, in space: Workspace, usesCache: Bool = true
    ) async throws -> (image: Image, lines: [Int]) {
        let path = try space.write("Dockerfile", dockerfile)
        var request = BuildRequest(
            context: .directory(space.path.appending("context")), dockerfile: .file(path))
        (request.defersCompression, request.usesCache) = (true, usesCache)
        let result = try await Builder(request, store: space.store).build()
        return (result.image, result.steps.filter { !$0.isCached }.map(\.line).sorted())
    }

    @Test("A changed file of the second of three COPYs makes one layer, and the image of a build without cache")
    func changed() async throws {
        let space = try Workspace()
        for name in ["a", "b", "c"] { try Self.file(name, "1", space) }
        let text = "FROM scratch\nCOPY a /srv/\nCOPY b /srv/\nWORKDIR /srv/sub\nCOPY c .\n"
        #expect(try await Self.build(text, in: space).lines == [2, 3, 4, 5])
        #expect(try await Self.build(text, in: space).lines == [])
        try Self.file("b", "2", space)
        let image = try await Self.build(text, in: space)
        #expect(image.lines == [3])
        #expect(try await Self.build(text, in: space).lines == [])
        let whole = try await Self.build(text, in: space, usesCache: false)
        #expect(whole.lines == [2, 3, 4, 5])
        #expect(whole.image.manifestBytes == image.image.manifestBytes)
        #expect(whole.image.configBytes == image.image.configBytes)
    }

    @Test("ADD of files above a changed step is kept")
    func adding() async throws {
        let space = try Workspace()
        for name in ["a", "b/c"] { try Self.file(name, "1", space) }
        let text = "FROM scratch\nCOPY a /\nADD b /b/\nADD a /d/\n"
        #expect(try await Self.build(text, in: space).lines == [2, 3, 4])
        try Self.file("a", "2", space)
        let image = try await Self.build(text, in: space)
        #expect(image.lines == [2, 4])
        #expect(
            try await Self.build(text, in: space, usesCache: false).image.manifestBytes == image.image.manifestBytes)
    }

    /// Two first steps, and the last step whose layer depends on the difference.
    static let facts: [(name: String, before: String, after: String, last: String)] = [
        ("the mode of a parent", "COPY --chmod=0755 d /p", "COPY --chmod=0700 d /p", "COPY a /p/x/"),
        ("the owner of a parent", "COPY --chown=1:1 d /p/", "COPY --chown=2:2 d /p/", "COPY a /p/f/"),
        ("a link on the path", "COPY l/one /p", "COPY l/two /p", "COPY a /p/"),
        ("a directory at the destination", "COPY a /p", "COPY d /p/", "COPY a /p"),
        ("the numbers of an owner", "COPY accounts1 /etc/passwd", "COPY accounts2 /etc/passwd", "COPY --chown=u a /b"),
        ("a directory of WORKDIR", "COPY a /w/x", "COPY d /w/", "WORKDIR /w/f"),
    ]

    @Test("A fact below that the plan reads makes the layer again, as a build without cache does", arguments: facts)
    func dependent(name: String, before: String, after: String, last: String) async throws {
        let space = try Workspace()
        try Self.file("a", "1", space)
        try Self.file("d/f/g", "2", space)
        try Self.file("accounts1", "u:x:5:6::/:/bin/sh\n", space)
        try Self.file("accounts2", "u:x:7:8::/:/bin/sh\n", space)
        let links = try Directory.make(space.path.appending("context/l"))
        try links.makeDirectory("one")
        try links.makeDirectory("two")
        try Directory(space.path.appending("context/l/one")).makeLink("s", to: "/x")
        try Directory(space.path.appending("context/l/two")).makeLink("s", to: "/y")
        let last = last.replacing("/p/", with: name == "a link on the path" ? "/p/s/" : "/p/")
        _ = try await Self.build("FROM scratch\n\(before)\n\(last)\n", in: space)
        let second = try await Self.build("FROM scratch\n\(after)\n\(last)\n", in: space)
        #expect(second.lines == [2, 3])
        let whole = try await Self.build("FROM scratch\n\(after)\n\(last)\n", in: space, usesCache: false)
        #expect(whole.image.manifestBytes == second.image.manifestBytes)
    }

    @Test("A layer is the same on other layers below, and keeps the newest time of the image")
    func times() async throws {
        let space = try Workspace()
        try Self.file("old", "1", space)
        try Self.file("new", "1", space)
        try Directory(space.path.appending("context")).setModified(of: "new", FileTime(seconds: 1_750_000_000))
        let (one, other) = ("COPY old /o", "COPY new /n")
        _ = try await Self.build("FROM scratch\n\(one)\n", in: space)
        let image = try await Self.build("FROM scratch\n\(other)\n\(one)\n", in: space)
        #expect(image.lines == [2])
        #expect(image.image.config.created == RFC3339.text(1_750_000_000))
    }
}
