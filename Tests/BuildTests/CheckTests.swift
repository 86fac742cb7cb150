import Linux
import OCI
import Support
import Synchronization
import SystemPackage
import Testing

@testable import Build

/// The notes and warnings of a build, and the values that it takes from the Dockerfile.
@Suite("Checks of a build")
struct CheckTests {
    /// Builds a Dockerfile with the file `a` as its context; returns the image and the notes and warnings.
    private static func build(
        _ dockerfile: String, _ arguments: [String: String] = [:], in space: Workspace,
        _ configure: (inout BuildRequest) -> Void = { _ in }
    ) async throws -> (image: Image?, notes: [String], error: (any Error)?) {
        let path = try space.write("context/Dockerfile", dockerfile)
        try space.write("context/a", "1")
        var request = BuildRequest(context: .directory(path.removingLastComponent()), dockerfile: .file(path))
        request.arguments = arguments
        configure(&request)
        let notes = Mutex<[String]>([])
        let builder = Builder(request, store: space.store) { event in
            switch event {
            case .note(let text): notes.withLock { $0.append(text) }
            case .warnings(let warnings):
                notes.withLock { $0 += warnings.map { "\($0.line) \($0.rule)" } }
            default: break
            }
        }
        do {
            let image = try await builder.build().image
            return (image, notes.withLock { $0 }, nil)
        } catch { return (nil, notes.withLock { $0 }, error) }
    }

    /// A Dockerfile, its build arguments, and the notes and warnings.
    static let notes: [(String, [String: String], [String])] = [
        ("FROM scratch\n", ["A": "1"], ["the build argument 'A' has no effect: no ARG of Dockerfile takes it"]),
        (
            "FROM scratch\nARG VERSION\n", ["VERSIN": "1"],
            [
                "the build argument 'VERSIN' has no effect: no ARG of Dockerfile takes it (did you mean VERSION?)"
            ]
        ),
        ("ARG A\nFROM scratch\nARG B\nONBUILD ARG C\n", ["A": "1", "B": "2", "C": "3"], []),
        ("FROM scratch\n", ["HTTP_PROXY": "x", "no_proxy": "y", "TARGETARCH": "amd64", "BUILDKIT_X": "1"], []),
        ("FROM scratch as a\nfrom a\n", [:], ["1 FromAsCasing", "2 ConsistentInstructionCasing"]),
        ("FROM scratch as a\n", ["BUILDKIT_DOCKERFILE_CHECK": "skip=FromAsCasing"], []),
        ("FROM scratch AS one\nENV A=$B\nFROM scratch\nENV A=$C\n", [:], ["4 UndefinedVar"]),
        ("FROM scratch\nENV A=$B\nCOPY nowhere /\n", [:], ["2 UndefinedVar"]),
        ("FROM scratch as a\nENV password=1\nBOGUS\n", [:], ["1 FromAsCasing", "2 SecretsUsedInArgOrEnv"]),
        ("FROM scratch\nCOPY a* Dockerfil* /one\n", [:], []),
        (
            "FROM scratch\nCOPY [aD]* /one\n", [:],
            [
                "Dockerfile:2: the pattern matches several files, and the last one becomes '/one'; "
                    + "the destination of several files must end in /"
            ]
        ),
    ]

    @Test("A build notes arguments without effect, and prints the findings of BuildKit's checks", arguments: notes)
    func noted(dockerfile: String, arguments: [String: String], notes: [String]) async throws {
        #expect(try await Self.build(dockerfile, arguments, in: Workspace()).notes == notes)
    }

    /// A Dockerfile, its build arguments, and the rules that fail the build.
    static let violations: [(String, [String: String], [String]?)] = [
        ("# check=error=true\nFROM scratch as b\n", [:], ["FromAsCasing"]),
        ("# check=error=true\nFROM scratch as b\nENV A=$B\n", [:], ["FromAsCasing", "UndefinedVar"]),
        ("FROM scratch as b\n", ["BUILDKIT_DOCKERFILE_CHECK": "error=true"], ["FromAsCasing"]),
        ("# check=error=true\nFROM scratch as b\n", ["BUILDKIT_DOCKERFILE_CHECK": "error=false"], nil),
        ("# check=skip=FromAsCasing;error=true\nFROM scratch as b\n", [:], nil),
        ("# check=error=true\nFROM scratch AS b\n", [:], nil),
    ]

    @Test("error=true fails a build with a finding before its first step", arguments: violations)
    func violated(dockerfile: String, arguments: [String: String], rules: [String]?) async throws {
        let (image, _, error) = try await Self.build(dockerfile, arguments, in: Workspace())
        guard let rules else { return #expect(image != nil, "\(error.debugDescription)") }
        guard case .lintViolation(let found, _)? = error as? BuildError else { return #expect(error == nil) }
        #expect(found == rules)
    }

    /// A Dockerfile, its build arguments, and the time of the image.
    static let epochs: [(String, [String: String], String?)] = [
        ("ARG SOURCE_DATE_EPOCH=1445412480\nFROM scratch\n", [:], "2015-10-21T07:28:00Z"),
        ("ARG SOURCE_DATE_EPOCH=1445412480\nFROM scratch\n", ["SOURCE_DATE_EPOCH": "0"], "1970-01-01T00:00:00Z"),
        ("ARG T=7\nARG SOURCE_DATE_EPOCH=$T\nFROM scratch\nCOPY a /\n", [:], "1970-01-01T00:00:07Z"),
        ("FROM scratch\n", ["SOURCE_DATE_EPOCH": "nope"], nil),
        ("FROM scratch\n", ["SOURCE_DATE_EPOCH": "-5"], nil),
        ("FROM scratch\n", ["SOURCE_DATE_EPOCH": "context"], nil),
        ("ARG SOURCE_DATE_EPOCH=one\nFROM scratch AS one\nCOPY a /\nFROM scratch\n", [:], nil),
    ]

    @Test("SOURCE_DATE_EPOCH is a build argument or an ARG before the first FROM", arguments: epochs)
    func epoch(dockerfile: String, arguments: [String: String], created: String?) async throws {
        let (image, _, error) = try await Self.build(dockerfile, arguments, in: Workspace())
        #expect(image?.config.created == created)
        guard created == nil else { return }
        guard case .badEpoch? = error as? BuildError else { return #expect(error == nil) }
    }

    @Test("SOURCE_DATE_EPOCH can be the time of a stage's remote source, or of a named context")
    func remoteEpoch() async throws {
        let space = try Workspace()
        let server = try FakeServer { exchange in
            try exchange.reply(200, ["Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"], "text")
        }
        let stage = "ARG SOURCE_DATE_EPOCH=src\nFROM scratch AS src\nADD \(server.origin)/f /\nFROM scratch\nCOPY a /\n"
        let (image, _, error) = try await Self.build(stage, in: space)
        #expect(image?.config.created == "1994-11-06T08:49:37Z", "\(error.debugDescription)")
        var entry = try file("x", "1")
        entry.0.metadata.mtime = FileTime(seconds: 86400)
        let dated = try Reference("dated")
        try space.store.publish(space.image([[entry]]), as: dated)
        let named = try await Self.build("FROM scratch\nCOPY a /\n", ["SOURCE_DATE_EPOCH": "files"], in: space) {
            $0.contexts = ["files": .image(dated)]
        }
        #expect(named.image?.config.created == "1970-01-02T00:00:00Z", "\(named.error.debugDescription)")
    }

    @Test("A trigger of a base image reads a context that is a stage of the Dockerfile")
    func triggeredContext() async throws {
        let space = try Workspace()
        let parent = try await Self.build("FROM scratch\nONBUILD COPY --from=files /a /b\n", in: space).image
        try space.store.publish(#require(parent), as: Reference("parent"))
        let dockerfile = "FROM scratch AS one\nCOPY a /\nFROM scratch AS two\nFROM parent\n"
        let (image, _, error) = try await Self.build(dockerfile, in: space) { $0.contexts = ["files": .stage("one")] }
        let tree = try await #require(image, "\(error.debugDescription)").validate()
        #expect(tree.node(at: try ImagePath("b")) != nil)
    }

    @Test("A shell command for Windows runs in cmd, which finds programs of Windows")
    func windows() async throws {
        let (image, _, _) = try await Self.build("FROM scratch\nCMD dir\n", in: Workspace()) {
            $0.platform = Platform(os: "windows", architecture: "amd64")
        }
        #expect(image?.config.command == ["cmd", "/S", "/C", "dir"])
        #expect(image?.config.environment == ["PATH=c:\\Windows\\System32;c:\\Windows"])
    }

    @Test("A cache of a version that ignored owners is found by the mount that made it", arguments: [true, false])
    func olderCache(isFree: Bool) throws {
        let space = try Workspace()
        let caches = CacheMounts(space.store)
        let owner = RunMount.Owner(mode: 0o700, uid: 5, gid: 6)
        var older: CacheMounts.Use? = try caches.use("x", .shared) {
            try caches.fill($1, in: $0, from: nil, owner)
        }
        if let older { _ = try Directory(older.path).open("f", [.write, .create]) }
        if isFree { older = nil }
        let other = RunMount.Owner(mode: 0o700, uid: 7, gid: 6)
        for (owner, isOlder) in [(other, false), (owner, isFree), (owner, isFree)] {
            let use = try caches.use("x", owner: owner, .shared) { try caches.fill($1, in: $0, from: nil, owner) }
            #expect(try Directory(use.path).exists("f") == isOlder)
        }
        #expect(try caches.entries().map(\.owner).sorted() == (isFree ? [] : [""]) + ["0700 5:6", "0700 7:6"])
        withExtendedLifetime(older) {}
    }
}
