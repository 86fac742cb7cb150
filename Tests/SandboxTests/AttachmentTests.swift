import Glibc
import Linux
import Sandbox
import SystemPackage
import Testing

/// Mounts in a container, and the files that they show.
@Suite struct AttachmentTests {
    let fixture: Fixture

    init() throws {
        fixture = try Fixture()
        for name in ["stage/data/deep", "base/data", "other-upper", "other-work", "outside"] {
            try fixture.directory.makeDirectories(FilePath(name))
        }
        try fixture.write("stage/data/deep/file", "stage\n")
        try fixture.write("base/data/low", "base\n")
        try fixture.write("outside/secret", "secret\n")
        try fixture.directory.makeLink("stage/data/out", to: "../../outside")
        try fixture.directory.makeLink("stage/data/absolute", to: "/data/deep")
        try fixture.directory.makeLink("stage/data/secret", to: "/outside/secret")
    }

    private var stage: FilePath { fixture.path.appending("stage") }
    private var other: Overlay {
        Overlay(
            lowers: [stage, fixture.path.appending("base")], upper: fixture.path.appending("other-upper"),
            work: fixture.path.appending("other-work"))
    }

    @Test("A layers attachment shows the stack or a part of it, read-only")
    func layers() async throws {
        let layers = [stage, fixture.path.appending("base")]
        let result = try await fixture.shell(
            "cat /a/deep/file /a/low /f; ! touch /a/x 2>/dev/null; ! mount -o remount,rw /a 2>/dev/null; ls /whole"
        ) {
            $0.attachments = [
                Attachment(.layers(layers, path: "/data"), at: "/a"),
                Attachment(.layers(layers, path: "data/deep/file"), at: "/f"),
                Attachment(.layers(layers, path: "/"), at: "/whole"),
            ]
        }
        #expect(result.status == .exited(0))
        #expect(result.output == "stage\nbase\nstage\ndata\n")
    }

    @Test("Writes to an overlay go to its upper directory, through any of its mounts")
    func overlay() async throws {
        let result = try await fixture.shell("echo new > /a/new; cat /b/new; ! touch /b/x 2>/dev/null; rm /a/low") {
            $0.attachments = [
                Attachment(.overlay(other, path: "/data"), at: "/a"),
                Attachment(.overlay(other, path: "/data"), at: "/b", isReadOnly: true),
            ]
        }
        #expect(result.output == "new\n")
        #expect(result.status == .exited(0))
        #expect(try fixture.directory.contents(of: "other-upper/data/new", limit: 10) == Array("new\n".utf8))
        #expect(try fixture.directory.status(of: "other-upper/data/low").isWhiteout)
        #expect(try fixture.directory.directory("upper").entries() == [])
        #expect(try !fixture.directory.exists("stage/data/new"))
    }

    @Test("A path in a source never leaves that source", arguments: ["/data/out", "data/secret", "../outside"])
    func hostileSource(path: String) async throws {
        let sources: [Sandbox.Attachment.Source] = [
            .below(stage, path: FilePath(path)), .layers([stage], path: FilePath(path)),
            .overlay(other, path: FilePath(path)),
        ]
        for source in sources {
            await #expect {
                try await fixture.shell("true") { $0.attachments = [Attachment(source, at: "/a")] }
            } throws: { error in
                guard case .attachment("/a", let cause) = error as? SandboxError else { return false }
                return cause.errno == .noSuchFileOrDirectory
            }
        }
    }

    @Test("A link in a source leads within it")
    func linkInSource() async throws {
        let result = try await fixture.shell("cat /a/file /b/file; touch /a/written; ! touch /b/x 2>/dev/null") {
            $0.attachments = [
                Attachment(.below(stage, path: "data/absolute"), at: "/a"),
                Attachment(.layers([stage], path: "data/absolute"), at: "/b"),
            ]
        }
        #expect(result.output == "stage\nstage\n")
        #expect(try fixture.directory.exists("stage/data/deep/written"))
    }

    @Test("A hostile link in the root does not carry a mount point out of it")
    func hostileTarget() async throws {
        try fixture.directory.makeLink("lower/link", to: fixture.path.appending("outside"))
        let result = try await fixture.shell("ls \(fixture.path.string)/outside") {
            $0.attachments = [Attachment(.below(stage, path: "data/deep"), at: "/link/place")]
        }
        #expect(result.output == "place\n")
        #expect(try fixture.directory.directory("outside").entries().count == 1)
        #expect(try fixture.directory.directory("upper").entries() == [])
    }

    @Test("No path reaches an open descriptor of this process", arguments: [0, 3, 5, 9, 12, 20, 40])
    func descriptorsOfThisProcess(number: Int32) async throws {
        // Like a leaked descriptor: a directory of the host, open under a number that the child inherits.
        let outside = try OwnedDescriptor(fixture.path.appending("outside"), [.read, .directory])
        let copy = fcntl(outside.rawValue, F_DUPFD, number)
        defer { close(copy) }
        try fixture.directory.makeLink("lower/link", to: FilePath("/proc/self/fd/\(copy)"))
        for directory in ["/proc/self/fd/\(copy)", "/link", "/proc/1/fd/\(copy)/made"] {
            await #expect(throws: SandboxError.self) {
                try await fixture.shell("cat secret") { $0.workingDirectory = FilePath(directory) }
            }
        }
        await #expect(throws: SandboxError.self) {
            try await fixture.shell("true") { $0.attachments = [Attachment(.memory(size: nil), at: "/link/made")] }
        }
        #expect(try fixture.directory.directory("outside").entries().count == 1)
    }

    @Test("Memory has its size and mode, and may be read-only")
    func memory() async throws {
        let result = try await fixture.shell("stat -c %a /m; dd if=/dev/zero of=/m/x bs=1024 count=2048; ! touch /r/x")
        {
            $0.attachments = [
                Attachment(.memory(size: 1 << 20, mode: 0o700), at: "/m"),
                Attachment(.memory(size: nil), at: "/r", isReadOnly: true),
            ]
        }
        #expect(result.output == "700\n")
        #expect(result.error.contains("No space left on device"))
        #expect(result.error.contains("Read-only file system"))
    }

    @Test("Device nodes that root makes inside can't be opened, those of /dev can")
    func devices() async throws {
        let script = """
            mknod /zero c 1 5 && mknod /dev/zero2 c 1 5 && mknod /m/zero c 1 5 && mknod /dev/shm/zero c 1 5 || exit 9
            for node in /zero /dev/zero2 /m/zero /dev/shm/zero; do ! head -c 1 $node || exit 1; done
            head -c 3 /dev/zero | wc -c
            """
        let result = try await fixture.shell(script) {
            $0.attachments = [Attachment(.memory(size: nil), at: "/m")]
        }
        #expect(result.status == .exited(0))
        #expect(result.output == "3\n")
    }
}
