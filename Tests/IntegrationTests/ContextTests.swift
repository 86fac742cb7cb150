import Glibc
import Harness
import Testing

/// Contexts other than directories, and named contexts, on the command line.
@Suite struct ContextTests {
    @Test("The files of a commit are 0644 or 0755, of root, without .git, and not filtered by .dockerignore")
    func checkout() throws {
        let repositories = try Repositories()
        let outcome = try repositories.build("\(repositories.address)/app")
        #expect(outcome.status == 0, "\(outcome.error)")
        let layers = try Inspection("app", in: repositories.directory).listings()
        #expect(
            Set(layers[0]) == [
                "-rw-r--r-- 0/0 .dockerignore", "-rw-r--r-- 0/0 Dockerfile", "-rw-r--r-- 0/0 other.Dockerfile",
                "-rw-r--r-- 0/0 file", "drwxr-xr-x 0/0 sub/", "-rwxr-xr-x 0/0 sub/run", "-rw-r--r-- 0/0 sub/Dockerfile",
                "-rw-r--r-- 0/0 sub/dockerfile.alt", "lrwxrwxrwx 0/0 out -> /etc/passwd",
                "lrwxrwxrwx 0/0 up -> ../../../../../etc", "lrwxrwxrwx 0/0 link -> sub",
            ])
        #expect(try Inspection("app", in: repositories.directory).config["created"] == .string("2023-11-14T22:13:20Z"))
        #expect(try repositories.directory.faults() == [])
        // Another store gives the same image at another time.
        let other = try TestDirectory()
        #expect(try other.succeed("build", "--progress", "quiet", "\(repositories.address)/app") == outcome.line)
    }

    /// The end of the repository's address, and the paths that the image must have.
    private static let places: [(String, [String])] = [
        ("#v1:sub", ["Dockerfile", "dockerfile.alt", "run"]), ("#:link", ["Dockerfile", "dockerfile.alt", "run"]),
        ("?branch=main&subdir=sub", ["Dockerfile", "dockerfile.alt", "run"]),
        ("?tag=annotated&subdir=/sub/../sub/", ["Dockerfile", "dockerfile.alt", "run"]),
    ]

    @Test("A ref and a directory select the files", arguments: 0..<places.count)
    func chosen(index: Int) throws {
        let repositories = try Repositories()
        let outcome = try repositories.build("\(repositories.address)/app\(Self.places[index].0)")
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(try repositories.names() == Self.places[index].1)
    }

    @Test("A commit is fetched by its hash, on any branch; -f names a Dockerfile in it")
    func commits() throws {
        let repositories = try Repositories()
        let dev = try repositories.rev("dev")
        try repositories.commit("echo 3 >file")
        for place in ["#\(dev)", "?ref=dev&checksum=\(dev.prefix(9))", "?commit=\(dev)&fetch-by-commit=1"] {
            #expect(try repositories.build("\(repositories.address)/app\(place)").status == 0)
            #expect(try repositories.names().contains("dev"))
        }
        #expect(try repositories.build("-f", "dockerfile.alt", "\(repositories.address)/app#\(dev):sub").status == 0)
    }

    @Test("A new commit is found, and a known one needs no fetch")
    func fetches() throws {
        let repositories = try Repositories()
        #expect(try repositories.build("\(repositories.address)/app").status == 0)
        #expect(try repositories.build("--expect-cached", "\(repositories.address)/app").status == 0)
        let first = try repositories.rev("main")
        try repositories.commit("echo new >added")
        #expect(try repositories.build("\(repositories.address)/app").status == 0)
        #expect(try repositories.names().contains("added"))
        // The commit is known, so that the server is not contacted.
        try Program.shell("mv git/app git/gone", in: repositories.directory.path)
        #expect(try repositories.build("--expect-cached", "\(repositories.address)/app#\(first)").status == 0)
    }

    /// The end of the repository's address, the exit status, and a part of the message.
    private static let faults: [(String, Int32, String)] = [
        ("app?x=1", 64, "has the unknown field 'x' in its query"),
        ("app#nowhere", 1, "it has no branch, tag or commit 'nowhere'"),
        ("app#:nowhere", 1, "the commit has no directory 'nowhere'"),
        ("app#:out", 1, "the commit has no directory 'out'"), ("app#:up", 1, "the commit has no directory 'up'"),
        ("app#\(String(repeating: "0", count: 40))", 1, "it has no commit \(String(repeating: "0", count: 40))"),
        ("app?ref=main&commit=1234567", 1, "has the wrong checksum: expected 1234567, found "), ("none", 1, "/none"),
    ]

    @Test("A failed fetch is reported in one sentence", arguments: 0..<faults.count)
    func failures(index: Int) throws {
        let (place, status, complaint) = Self.faults[index]
        let repositories = try Repositories()
        let outcome = try repositories.build("\(repositories.address)/\(place)")
        #expect(outcome.status == status)
        #expect(outcome.error.hasPrefix("thaw: "))
        #expect(outcome.error.split(separator: "\n").first?.contains(complaint) == true, "\(outcome.error)")
        #expect(try repositories.directory.faults() == [])
    }

    @Test("A link in a repository cannot leave it")
    func links() throws {
        let repositories = try Repositories()
        try repositories.commit("printf 'FROM scratch\\nCOPY out /x\\n' >Dockerfile")
        let outcome = try repositories.build("\(repositories.address)/app")
        #expect(outcome.status == 1)
        #expect(outcome.error == "thaw: Dockerfile:2: \"/out\": not found in the source\n")
    }

    @Test("Submodules are fetched by default, and only by the transports of a context")
    func submodules() throws {
        let repositories = try Repositories()
        let add = "git -c protocol.file.allow=always submodule --quiet add"
        try repositories.commit(
            "rm .dockerignore && \(add) --name lib \(repositories.directory.path)/git/lib lib "
                + "&& git config -f .gitmodules submodule.lib.url ../lib")
        #expect(try repositories.build("\(repositories.address)/app").status == 0)
        #expect(try repositories.names().filter { $0.hasPrefix("lib") } == ["lib/", "lib/lib.txt"])
        #expect(try repositories.build("\(repositories.address)/app?submodules=false").status == 0)
        #expect(try repositories.names().filter { $0.hasPrefix("lib") } == ["lib/"])
        try repositories.commit(
            "git config -f .gitmodules submodule.lib.url file://\(repositories.directory.path)/git/lib")
        let outcome = try repositories.build("\(repositories.address)/app")
        #expect(outcome.status == 1)
        #expect(outcome.error.hasPrefix("thaw: cannot fetch '\(repositories.address)/app': "), "\(outcome.error)")
    }

    @Test("A build argument keeps .git of the context")
    func keeps() throws {
        let repositories = try Repositories()
        let outcome = try repositories.build(
            "--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1", "\(repositories.address)/app")
        #expect(outcome.status == 0, "\(outcome.error)")
        #expect(try repositories.names().contains(".git/HEAD"))
    }

    @Test("RUN binds a named repository and directory, and stays cached without a change")
    func mounts() throws {
        let repositories = try Repositories()
        let directory = repositories.directory
        let busybox = try TestDirectory.withBusybox()
        try Program.shell("cp -a '\(busybox.store)' '\(directory.store)'", in: directory.path)
        try directory.write("other/f", "other\n")
        try directory.write(
            "context/Dockerfile",
            "FROM busybox\nRUN --mount=from=repo,target=/r --mount=from=dir,target=/d cat /r/file /d/f >/seen\n")
        let words = ["--build-context", "repo=\(repositories.address)/app", "--build-context", "dir=other", "context"]
        let first = try directory.start(["build", "--progress", "quiet", "-t", "app"] + words).wait()
        #expect(first.status == 0, "\(first.error)")
        let image = try Inspection("app", in: directory)
        #expect(try image.content(of: "seen", inLayer: image.listings().count - 1) == "1\nother")
        #expect(try directory.start(["build", "--expect-cached"] + words).wait().status == 0)
    }

    @Test("ADD of a repository is reproducible, also with --keep-git-dir")
    func add() throws {
        let repositories = try Repositories()
        let line =
            "ADD --keep-git-dir=true \(repositories.address)/app#v1 /r\nADD \(repositories.address)/app#v1:sub /s/"
        try repositories.directory.write("context/Dockerfile", "FROM scratch\n\(line)\n")
        let first = try repositories.build("context")
        #expect(first.status == 0, "\(first.error)")
        let names = try repositories.names()
        #expect(names.contains("r/.git/HEAD") && names.contains("s/run") && !names.contains("s/.git/"))
        #expect(!names.contains("r/.git/FETCH_HEAD"))
        let directory = try TestDirectory(copying: repositories.directory)
        try Program.shell("rm -rf store", in: directory.path)
        #expect(try directory.succeed("build", "--progress", "quiet", "context") == first.line)
    }

    /// The command that writes to `thaw build -t app -`, and the paths of the image.
    private static let streams: [(String, [String])] = [
        ("tar -c .", ["Dockerfile", "file"]), ("tar -cz .", ["Dockerfile", "file"]),
        ("tar -cJ .", ["Dockerfile", "file"]),
        ("cat Dockerfile", []),
    ]

    @Test("Standard input is a tar, compressed or not, or a Dockerfile alone", arguments: 0..<streams.count)
    func standardInput(index: Int) throws {
        let directory = try TestDirectory()
        try directory.write("context/Dockerfile", "FROM scratch\nCOPY . /\n")
        try directory.write("context/file", "1\n")
        let build = "'\(Binary.path)' --store '\(directory.store)' build --progress quiet -t app -"
        try Program.shell("cd context && \(Self.streams[index].0) | \(build)", in: directory.path)
        let names = try Inspection("app", in: directory).listings().joined().map { String($0.split(separator: " ")[2]) }
        #expect(names.sorted() == Self.streams[index].1)
    }

    @Test("-f - reads the Dockerfile from standard input beside a context")
    func dockerfileOnStandardInput() throws {
        let directory = try TestDirectory()
        try directory.write("context/file", "1\n")
        let build = "'\(Binary.path)' --store '\(directory.store)' build --progress quiet -t app -f - context"
        try Program.shell("printf 'FROM scratch\\nCOPY file /\\n' | \(build)", in: directory.path)
        #expect(try Inspection("app", in: directory).content(of: "file", inLayer: 0) == "1")
    }

    /// Wrong arguments of a build, and the message.
    private static let usage: [([String], String)] = [
        (["-f", "-", "-"], "standard input cannot be both the context and the Dockerfile"),
        (["--build-context", "x", "context"], "--build-context 'x' is not NAME=VALUE"),
        (["--build-context", "x=ftp://h/y", "context"], "'ftp://h/y' begins with ftp://"),
        (["--build-context", "x=target:nowhere", "context"], "'target:nowhere' names no stage"),
        (["--build-context", "first=target:first", "context"], "'target:' makes a stage wait for itself"),
        (["--build-context", "x=nowhere", "context"], "the build context 'nowhere' is not a directory"),
        (["ftp://h/x"], "'ftp://h/x' begins with ftp://"),
    ]

    @Test("Malformed arguments are wrong usage", arguments: 0..<usage.count)
    func malformed(index: Int) throws {
        let directory = try TestDirectory()
        try directory.write("context/Dockerfile", "FROM scratch AS first\nFROM first\n")
        let outcome = try directory.start(["build"] + Self.usage[index].0).wait()
        #expect(outcome.status == 64)
        #expect(outcome.error.hasPrefix("thaw: \(Self.usage[index].1)"), "\(outcome.error)")
    }

    @Test("Named contexts replace stages and images, and are sources of COPY")
    func named() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("one/f", "one\n")
        try directory.write("one/.dockerignore", "no\n")
        try directory.write("one/no", "no\n")
        try directory.write(
            "context/Dockerfile",
            """
            FROM nowhere/image:1 AS first
            RUN false
            FROM alpine:3
            COPY --from=extra / /extra/
            COPY --from=first /f /first
            COPY --from=shell /bin/busybox /bb
            COPY --from=mine /first /again
            FROM scratch AS late
            COPY --from=first f /first
            """)
        try directory.succeed("copy", "busybox", "oci:\(directory.path)/layout:tag")
        try directory.succeed(
            "build", "--progress", "quiet", "-t", "app", "--target", "1", "--build-context", "extra=one",
            "--build-context", "first=one", "--build-context", "shell=oci-layout://layout:tag", "--build-context",
            "docker.io/library/ALPINE:3=docker-image://busybox", "--build-context", "mine=target:late", "context")
        let image = try Inspection("app", in: directory)
        #expect(image.setting("Cmd") == .array([.string("sh")]))
        let names = try image.listings().suffix(4).joined().map { String($0.split(separator: " ")[2]) }
        #expect(Set(names) == ["extra/", "extra/.dockerignore", "extra/f", "first", "bb", "again"])
        #expect(try image.content(of: "again", inLayer: image.listings().count - 1) == "one")
    }
}

/// The repositories `app` and `lib` of a git daemon, and a bench to build in.
private final class Repositories {
    let directory: TestDirectory
    let address: String
    private let daemon: Program

    init() throws {
        directory = try TestDirectory()
        try Program.shell(Self.script, in: directory.path)
        (daemon, address) = try Self.serve("\(directory.path)/git")
    }

    /// Starts a daemon and waits until it responds; tries another port if the first is in use.
    private static func serve(_ directory: String) throws -> (Program, String) {
        let program = try Program.shell("git --exec-path") + "/git-daemon"
        var failure: any Error = ProgramFailure(description: "no daemon was started")
        for _ in 0..<5 {
            // These ports are below the kernel's ephemeral ports.
            let port = Int.random(in: 20_000..<32_000)
            let daemon = try Program([
                program, "--listen=127.0.0.1", "--port=\(port)", "--reuseaddr", "--export-all",
                "--base-path=\(directory)",
            ])
            do {
                try Program.shell(
                    "for i in $(seq 100); do git ls-remote git://127.0.0.1:\(port)/app && exit; sleep 0.05; done; exit 1"
                )
                return (daemon, "git://127.0.0.1:\(port)")
            } catch {
                daemon.kill()
                failure = ProgramFailure(description: "\(daemon.wait().error) \(error)")
            }
        }
        throw failure
    }

    deinit {
        daemon.kill()
        _ = daemon.wait()
    }

    /// Adds a commit to `app`'s main branch.
    func commit(_ script: String) throws {
        try Program.shell("cd git/app && { \(script); } && git add -A && \(Self.committing) more", in: directory.path)
    }

    func rev(_ name: String) throws -> String {
        try Program.shell("git -C git/app rev-parse \(name)", in: directory.path)
    }

    private static let committing: String =
        "GIT_COMMITTER_DATE='1700000000 +0000' git -c user.name=a -c user.email=a@b commit -qm"
    private static let script: String = """
        mkdir -p git context && cd git
        for name in lib app; do git init -q -b main $name; done
        cd lib && echo lib >lib.txt && git add . && \(committing) lib && cd ../app
        printf 'FROM scratch\\nCOPY . /\\n' >Dockerfile && printf 'FROM scratch\\nCOPY run /in/\\n' >other.Dockerfile
        echo '*' >.dockerignore && echo 1 >file && mkdir sub && echo 2 >sub/run && chmod 700 sub/run
        printf 'FROM scratch\\nCOPY . /\\n' >sub/Dockerfile && cp sub/Dockerfile sub/dockerfile.alt
        ln -s /etc/passwd out && ln -s ../../../../../etc up && ln -s sub link
        git add . && \(committing) one && git tag v1 && git -c user.name=a -c user.email=a@b tag -am ann annotated
        git checkout -q -b dev && echo dev >dev && git add . && \(committing) two && git checkout -q main
        """

    func build(_ words: String...) throws -> ProgramResult {
        try directory.start(["build", "--progress", "quiet", "-t", "app"] + words).wait()
    }

    func names() throws -> [String] {
        try Inspection("app", in: directory).listings().joined().map {
            String($0.split(separator: " ", maxSplits: 2)[2])
        }.sorted()
    }
}
