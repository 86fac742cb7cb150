import ImageFiles
import Linux
import OCI
import Slim
import Support
import Testing

@Suite("A slim plan") struct PlanTests {
    /// A small Debian: a shell, a tool, an interpreter with documentation, a database.
    private func debian() throws -> [(LayerEntry, [UInt8])] {
        var entries = try glibc()
        entries += try [
            program("usr/bin/dash", .program(needs: ["libc.so.6"])), symlink("usr/bin/sh", "dash"),
            program("usr/bin/cat", .program(needs: ["libc.so.6"])),
            program("usr/bin/env", .program(needs: ["libc.so.6"])),
            program("usr/sbin/nginx", .program(needs: ["libc.so.6"])), file("etc/nginx/nginx.conf", "user www;\n"),
            file("usr/share/man/man8/nginx.8", "manual"), file("usr/share/doc/nginx-common/copyright", "BSD"),
            file("usr/share/doc/dash/copyright", "BSD"), symlink("usr/bin/awk", "/etc/alternatives/awk"),
            symlink("etc/alternatives/awk", "/usr/bin/cat"), file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
            file("var/cache/apt/pkgcache.bin", "cache"), file("var/log/dpkg.log", "log"),
            directory("var/log/app", mode: 0o700),
            directory("tmp", mode: 0o1777), file("tmp/left", "x"),
        ]
        return entries
            + (try dpkg([
                ("libc6", "", glibc().map { "/" + $0.0.path.description.dropFirst() }),
                ("dash", "Essential: yes", ["/bin/dash", "/bin/sh", "/usr/share/doc/dash/copyright"]),
                ("coreutils", "Essential: yes", ["/bin/cat", "/usr/bin/env"]),
                ("nginx", "Depends: nginx-common (>= 1), libc6, missing | dash", ["/usr/sbin/nginx"]),
                (
                    "nginx-common", "Depends: coreutils",
                    [
                        "/etc/nginx", "/etc/nginx/nginx.conf", "/usr/share/man/man8/nginx.8",
                        "/usr/share/doc/nginx-common/copyright",
                    ]
                ),
            ]))
    }

    @Test("big-elf: The libraries of a large program are followed, also in a compressed layer")
    func bigProgram() async throws {
        let program = ELFMaker.program(needs: ["libc.so.6", "libbig.so"]).bytes
        let large = program + [UInt8](repeating: 0, count: 80 << 20)
        let sample = try Sample(
            [glibc() + [file("app", large, mode: 0o755), library("usr/lib/x86_64-linux-gnu/libbig.so")]], runs: ["/app"]
        )
        let kept = try await sample.kept()
        #expect(kept.isSuperset(of: ["/app", "/usr/lib/x86_64-linux-gnu/libbig.so"]))
    }

    @Test("A file's type is detected across chunks of any size", arguments: 0...5)
    func pieces(length: Int) async throws {
        let workspace = try Workspace()
        let program = ELFMaker.program(needs: ["libc.so.6"]).bytes
        let layer = try workspace.layer(
            glibc() + [file("usr/bin/server", program, mode: 0o755)], compression: .uncompressed)
        let source = try workspace.store.open(layer.descriptor)
        var tar: [UInt8] = []
        while case let bytes = try source.next(), !bytes.isEmpty { tar += bytes }
        // The program is the last entry, before padding and the end.
        let start = try #require((0..<tar.count).last { tar[$0...].starts(with: program) })
        // Each member of a gzip stream is a chunk of its own.
        let blob = gzipped(tar[..<(start + length)]) + gzipped(tar[(start + length)...])
        let image = Image.scratch(.host, in: workspace.store).appending(
            Layer(
                descriptor: try workspace.store.put(blob, as: "application/vnd.oci.image.layer.v1.tar+gzip"),
                diffID: layer.diffID),
            history: History(created: nil, createdBy: "test")
        ).configured { $0.entrypoint = ["/usr/bin/server"] }
        let plan = try SlimPlan(try await ImageFiles(of: image), options: SlimOptions())
        let tree = plan.contents.tree
        let kept = Set(plan.keep.keys.map { tree.path(of: $0).description })
        #expect(kept.isSuperset(of: glibcPaths.subtracting(["/bin"])))
    }

    /// Makes one member of stored blocks (RFC 1951, 1952).
    private func gzipped(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        func little(_ number: UInt32, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(number >> (8 * $0) & 0xFF) } }
        var blocks: [UInt8] = []
        for begin in stride(from: bytes.startIndex, through: bytes.endIndex, by: 65_535) {
            let block = bytes[begin..<min(begin + 65_535, bytes.endIndex)]
            let isLast: UInt8 = block.endIndex == bytes.endIndex ? 1 : 0
            blocks += [isLast] + little(UInt32(block.count), 2) + little(~UInt32(block.count), 2) + block
            if isLast == 1 { break }
        }
        let sum = ~bytes.reduce(0xFFFF_FFFF as UInt32) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
        return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF] + blocks + little(sum, 4) + little(UInt32(bytes.count), 4)
    }

    private func kept(
        _ app: [(LayerEntry, [UInt8])], runs arguments: [String], _ options: SlimOptions = SlimOptions(),
        _ edit: (inout ImageConfig) -> Void = { _ in }
    ) async throws -> Set<String> {
        try await Sample([debian(), app], runs: arguments, edit).kept(options)
    }

    @Test("The application's files are kept; shells, tools, caches, logs and temporary files are dropped")
    func keepsApplication() async throws {
        let found = try await kept(
            [program("app/run", .program(needs: ["libc.so.6"])), file("app/data.txt", "x"), file("etc/app.conf", "y")],
            runs: ["/app/run"])
        #expect(found.isSuperset(of: glibcPaths.union(["/app/run", "/app/data.txt", "/etc/app.conf", "/etc/passwd"])))
        for path in [
            "/usr/bin/dash", "/usr/bin/sh", "/usr/bin/cat", "/usr/bin/awk", "/var/cache/apt/pkgcache.bin",
            "/var/log/dpkg.log",
            "/tmp/left", "/etc/nginx/nginx.conf",
        ] {
            #expect(!found.contains(path))
        }
    }

    @Test("Directories for logs and temporary files are kept without their leftovers")
    func keepsDirectories() async throws {
        let sample = try Sample([debian(), [program("app/run", ELFMaker())]], runs: ["/app/run"])
        let (_, after, _) = try await sample.slimmed()
        #expect(after.tree.inode(at: try ImagePath("/var/log/app"))?.metadata.mode == 0o700)
        #expect(after.tree.inode(at: try ImagePath("/tmp"))?.metadata.mode == 0o1777)
    }

    @Test("A shell is kept exactly if something runs it")
    func keepsShell() async throws {
        let run = try program("app/run", ELFMaker())
        let script = try file("app/start", "#!/bin/sh\n# dash\nexec cat /etc/passwd\n", mode: 0o755)
        let health = JSON.object(["Test": .strings(["CMD-SHELL", "cat /tmp/left || exit 1"])])
        #expect(try await !kept([run], runs: ["/app/run"]).contains("/usr/bin/dash"))
        for (app, arguments, edit) in [
            ([run], ["/bin/sh", "-c", "exec /app/run"], { (_: inout ImageConfig) in }),
            ([run, script], ["/app/start"], { _ in }),
            ([run], ["/app/run"], { $0.healthcheck = health }), ([run], ["/app/run"], { $0.onBuild = ["RUN make"] }),
        ] {
            let found = try await kept(app, runs: arguments, SlimOptions(), edit)
            #expect(found.isSuperset(of: ["/usr/bin/dash", "/usr/bin/sh"]))
        }
        #expect(
            try await kept([run], runs: ["/app/run"], SlimOptions(keep: [.shell])).isSuperset(of: [
                "/usr/bin/sh", "/usr/bin/cat",
            ]))
    }

    @Test("The commands of a script and of a shell's text are kept, comments are ignored")
    func keepsCommands() async throws {
        let script = try file("app/start", "#!/bin/sh\n# env\nexec cat \"$1\"\n", mode: 0o755)
        let found = try await kept([script], runs: ["/app/start"])
        #expect(found.contains("/usr/bin/cat") && !found.contains("/usr/bin/env"))
        #expect(try await kept([], runs: ["/bin/sh", "-c", "cat x"]).contains("/usr/bin/cat"))
        #expect(try await kept([], runs: ["/usr/bin/env", "cat"]).contains("/usr/bin/cat"))
    }

    @Test("`env` in a first line keeps the program it starts")
    func followsEnv() async throws {
        let script = try file("app/start", "#!/usr/bin/env -S cat -u\n", mode: 0o755)
        #expect(try await kept([script], runs: ["/app/start"]).isSuperset(of: ["/usr/bin/env", "/usr/bin/cat"]))
    }

    @Test("A program of a package keeps the package and its dependencies, without manuals and without the base")
    func keepsPackages() async throws {
        let found = try await kept([], runs: ["nginx"])
        #expect(
            found.isSuperset(of: ["/usr/sbin/nginx", "/etc/nginx/nginx.conf", "/usr/share/doc/nginx-common/copyright"]))
        #expect(found.isDisjoint(with: ["/usr/share/man/man8/nginx.8", "/usr/bin/dash", "/usr/bin/cat"]))
    }

    @Test("A link into a package is kept if its target is")
    func keepsLinksToKept() async throws {
        let found = try await kept([], runs: ["cat"])
        #expect(found.isSuperset(of: ["/usr/bin/awk", "/etc/alternatives/awk"]))
        #expect(try await !kept([], runs: ["env"]).contains("/usr/bin/awk"))
    }

    @Test("--include keeps a file with its needs, --exclude drops it")
    func obeysPatterns() async throws {
        let run = try program("app/run", ELFMaker())
        let options = SlimOptions(
            include: [try ImagePathPattern("/usr/bin/c*")], exclude: [try ImagePathPattern("app/**/*.txt")])
        let found = try await kept(
            [run, file("app/a/b.txt", "x"), file("app/a/b.md", "x")], runs: ["/app/run"], options)
        #expect(found.isSuperset(of: ["/usr/bin/cat", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/app/a/b.md"]))
        #expect(!found.contains("/app/a/b.txt"))
    }

    @Test("A kept path is explained up to a reason that needs no other")
    func explains() async throws {
        let plan = try await Sample(
            [debian(), [program("app/run", .program(needs: ["libc.so.6"]))]], runs: ["/app/run"]
        ).plan()
        #expect(
            plan.explain(try ImagePath("/usr/lib/x86_64-linux-gnu/libc.so.6")) == [
                "/usr/lib/x86_64-linux-gnu/libc.so.6 is a library of /app/run",
                "/app/run is the program of ENTRYPOINT and CMD",
            ])
        #expect(plan.explain(try ImagePath("/usr/bin/dash")) == nil)
        #expect(plan.keep.values.allSatisfy { !$0.isEmpty })
        #expect(plan.reasonCounts.values.reduce(0, +) == plan.keep.count)
    }

    @Test("Dropped files are counted by directory, and together with the kept ones are the image")
    func countsRemoved() async throws {
        let plan = try await Sample([debian(), [program("app/run", ELFMaker())]], runs: ["/app/run"]).plan()
        #expect(plan.removed.reduce(0) { $0 + $1.count } == plan.droppedCount)
        #expect(plan.dropped.count == plan.droppedCount)
        let kept = Set(plan.keep.keys.map { plan.contents.tree[node: $0].inode }).reduce(0) {
            $0 + plan.contents.tree.inodes[$1].kind.size
        }
        #expect(kept + plan.removed.reduce(0) { $0 + $1.bytes } == plan.contents.tree.liveBytes)
    }

    @Test("Volumes with their contents, the working directory and the user's home are kept")
    func keepsDeclared() async throws {
        let entries = try [
            program("run", ELFMaker()), file("srv/seed/a", "x"), directory("home/joe", mode: 0o700),
            file("etc/passwd", "joe:x:7:7::/home/joe:/bin/sh\n"),
            directory("work"),
        ]
        let database = try dpkg([("all", "", ["/srv/seed/a", "/home/joe", "/work", "/srv/seed"])])
        let plan = try await Sample([entries + database], runs: ["/run"]) { config in
            config.json(adding: "Volumes", .object(["/srv/seed": .object([:])]))
            config.user = "joe"
            config.workingDirectory = "/work"
        }.plan()
        for path in ["/srv/seed/a", "/home/joe", "/work"] { #expect(plan.explain(try ImagePath(path)) != nil) }
    }

    @Test("An image without a command, or without its program, cannot be slimmed")
    func refuses() async throws {
        await #expect(throws: SlimError.nothingToRun) { try await Sample([debian()], runs: []).plan() }
        await #expect(throws: SlimError.programMissing("/gone")) {
            try await Sample([debian()], runs: ["/gone"]).plan()
        }
    }

    @Test("An image without packages is unchanged except for leftovers of builds")
    func keepsUnmanaged() async throws {
        let found = try await Sample(
            [[program("app", ELFMaker()), file("data", "x"), file("tmp/x", "y")]], runs: ["/app"]
        ).kept()
        #expect(found == ["/app", "/data"])
    }
}

extension ImageConfig {
    /// Sets volumes as a Dockerfile would.
    fileprivate mutating func json(adding key: String, _ value: JSON) {
        precondition(key == "Volumes")
        volumes = value.object.map { Array($0.keys) } ?? []
    }
}

@Suite("Python") struct PythonTests {
    private func python(_ more: [(LayerEntry, [UInt8])] = [], runs: [String] = ["python3", "/app/a.py"]) throws
        -> Sample
    {
        let owned = try [
            program("usr/bin/python3.11", .program(needs: ["libc.so.6"])), symlink("usr/bin/python3", "python3.11"),
            file("usr/lib/python3.11/os.py", "import sys"), file("usr/lib/python3.11/json/decoder.py", "x"),
            file("usr/lib/python3.11/lib-dynload/_ssl.so", ELFMaker.library("_ssl.so", needs: ["libssl.so.3"]).bytes),
            library("usr/lib/x86_64-linux-gnu/libssl.so.3"), program("usr/sbin/ldconfig", ELFMaker()),
        ]
        let compiled = try [
            "usr/lib/python3.11/__pycache__/os.cpython-311.pyc",
            "usr/lib/python3.11/__pycache__/os.cpython-311.opt-1.pyc",
            "usr/lib/python3.11/__pycache__/gone.cpython-311.pyc", "usr/lib/python2.7/__pycache__/os.cpython-27.pyc",
            "app/__pycache__/a.cpython-311.pyc",
        ].map { try file($0, "compiled") }
        let old = try file("usr/lib/python2.7/os.py", "old")
        let database = try dpkg([
            ("python", "", owned.map { $0.0.path.description }), ("python2", "", ["/usr/lib/python2.7/os.py"]),
        ])
        return try Sample(
            [glibc() + owned + [old] + database + compiled, [file("app/a.py", "import ssl")] + more], runs: runs)
    }

    @Test("The standard library of the used version is kept, with the libraries of its modules and ldconfig")
    func keepsStandardLibrary() async throws {
        let found = try await python().kept()
        #expect(
            found.isSuperset(of: [
                "/usr/bin/python3", "/usr/bin/python3.11", "/usr/lib/python3.11/os.py",
                "/usr/lib/python3.11/json/decoder.py",
                "/usr/lib/python3.11/lib-dynload/_ssl.so", "/usr/lib/x86_64-linux-gnu/libssl.so.3",
                "/usr/sbin/ldconfig", "/app/a.py",
            ]))
    }

    @Test("A compiled file is kept exactly if its source is")
    func keepsBytecode() async throws {
        let found = try await python().kept()
        #expect(
            Set(found.filter { $0.hasSuffix(".pyc") }) == [
                "/usr/lib/python3.11/__pycache__/os.cpython-311.pyc",
                "/usr/lib/python3.11/__pycache__/os.cpython-311.opt-1.pyc",
                "/app/__pycache__/a.cpython-311.pyc",
            ])
    }

    @Test("A program in another language keeps nothing of Python")
    func dropsPython() async throws {
        let found = try await python([program("app/run", ELFMaker())], runs: ["/app/run"]).kept()
        #expect(!found.contains { $0.hasPrefix("/usr/lib/python") })
    }
}
