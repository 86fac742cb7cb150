import Harness
import Testing

/// `thaw build -o` and related options, and the commands for archives and the store's size.
@Suite struct OutputTests {
    private static func directory() throws -> TestDirectory {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/file", "1")
        try directory.write("context/Dockerfile", "FROM busybox\nRUN echo 1 >/one && rm /base/one\nCOPY file /\n")
        return directory
    }

    private static func build(_ directory: TestDirectory, _ words: String...) throws -> ProgramResult {
        try directory.start(["build", "-q"] + words + ["context"]).wait()
    }

    /// Invalid outputs, and their messages.
    static let refused: [(String, String)] = [
        ("type=ocy,dest=a", "-o 'type=ocy,dest=a': 'ocy' is no type of output (did you mean oci?)"),
        ("type=oci,dst=a", "-o type=oci has no key 'dst' (did you mean dest?)"),
        ("dest=a,tar=true", "-o 'dest=a,tar=true' has no type"),
        ("type=oci", "-o 'type=oci': dest is missing"),
        ("type=oci,tar", "-o 'type=oci,tar': 'tar' is not KEY=VALUE"),
        ("type=oci,dest=x,compression=gz", "-o type=oci: compression 'gz' is not gzip, zstd or uncompressed"),
        (
            "type=oci,dest=x,compression-level=3",
            "-o 'type=oci,dest=x,compression-level=3': compression-level needs compression"
        ),
        ("type=local,dest=x,name=a", "-o type=local has no key 'name'"),
        ("type=local,dest=/,mode=delete", "-o 'type=local,dest=/,mode=delete': mode=delete would empty this machine"),
        ("type=image,unpack=true", "-o type=image: the key 'unpack' is not supported"),
        ("type=cacheonly,dest=a", "-o type=cacheonly has no key 'dest'"),
        ("type=oci,dest=-,tar=false", "-o 'type=oci,dest=-,tar=false': a directory cannot be stdout"),
        ("type=tar,dest=context", "'context' is a directory"),
        ("type=image,annotation-index.a=b", "an annotation is for the index, but an image of one platform has none"),
        ("type=image,annotation[linux/arm64].a=b", "an annotation is for linux/arm64, which is not built"),
        ("type=registry", "a push needs a name"),
        (
            "type=oci,\"name=a,b,dest=x",
            "-o 'type=oci,\"name=a,b,dest=x': a quote must be around a whole field: \"name=a,b\""
        ),
    ]

    @Test("An invalid output is refused before anything is built", arguments: refused)
    func refuses(output: String, sentence: String) throws {
        let directory = try TestDirectory()
        try directory.write("context/Dockerfile", "FROM scratch\nCOPY absent /\n")
        let outcome = try Self.build(directory, "-o", output)
        #expect(outcome.status == 64)
        #expect(outcome.stderrLines.first == "thaw: \(sentence)")
    }

    /// Options whose files cannot be written, and their messages.
    static let unwritable: [([String], String)] = [
        (["-o", "type=tar,dest=absent/a.tar"], "-o type=tar, dest 'absent/a.tar' cannot be written: 'absent'"),
        (
            ["-o", "type=oci,dest=file/a.tar"],
            "-o type=oci, dest 'file/a.tar' cannot be written: 'file' is not a directory"
        ),
        (["-o", "type=local,dest=file/a"], "-o type=local, dest 'file/a' cannot be written: 'file"),
        (["-o", "type=oci,tar=false,dest=/dev/null/x"], "-o type=oci, dest '/dev/null/x' cannot be written"),
        (["--iidfile", "absent/id"], "--iidfile 'absent/id' cannot be written: 'absent'"),
        (
            ["--metadata-file", "/proc/none/x.json"],
            "--metadata-file '/proc/none/x.json' cannot be written: '/proc/none'"
        ),
        (["--cache-to", "type=local,dest=file"], "--cache-to 'file' cannot be written: 'file' is not a directory"),
    ]

    @Test("An unwritable output is reported before the build", arguments: unwritable)
    func refusesUnwritable(options: [String], sentence: String) throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("file", "")
        try directory.write("context/Dockerfile", "FROM busybox\nRUN echo built >&2; exit 7\n")
        let outcome = try directory.start(["build", "--progress", "plain"] + options + ["context"]).wait()
        #expect(outcome.status == 1)
        #expect(outcome.stderrLines.first?.hasPrefix("thaw: \(sentence)") == true, "\(outcome.error)")
        #expect(!outcome.error.contains("built"))
    }

    @Test("Two outputs with the same destination are refused")
    func samePlace() throws {
        let directory = try TestDirectory()
        try directory.write("context/Dockerfile", "FROM scratch\n")
        let outcome = try Self.build(directory, "-o", "type=oci,dest=a", "-o", "type=docker,dest=a")
        #expect(outcome.status == 64)
        #expect(outcome.stderrLines == ["thaw: two outputs cannot both go to 'a'"])
    }

    /// Options whose output is the file `out`.
    static let outputs = [
        ["-o", "type=oci,dest=out"], ["-o", "type=docker,dest=out"], ["-o", "type=tar,dest=out"],
        ["-o", "type=oci,dest=out,compression=zstd"], ["-o", "type=oci,dest=out", "--squash", "own"],
        ["-o", "type=docker,dest=out,oci-mediatypes=false,force-compression=true,compression=uncompressed"],
        ["-o", "type=oci,dest=out,annotation.a=b,\"name=x:1,y:2\""],
    ]

    @Test("An output has the same bytes on two machines, squashed or not", arguments: outputs)
    func reproducible(options: [String]) throws {
        let first = try Self.directory()
        let sums = try [first, TestDirectory(copying: first)].map { directory in
            let outcome = try directory.start(
                ["build", "--progress", "quiet", "-t", "app", "--no-cache"] + options + ["context"]
            ).wait()
            #expect(outcome.status == 0, "\(outcome.error)")
            return try Program.shell("sha256sum <out", in: directory.path)
        }
        #expect(sums[0] == sums[1])
    }

    @Test("Another compression runs no step again, and gives the same image as an uncached build")
    func otherCompression() throws {
        let directory = try Self.directory()
        let fresh = try TestDirectory(copying: directory)
        func digest(_ directory: TestDirectory, _ options: String...) throws -> String {
            let arguments = ["build", "--progress", "quiet", "-t", "app"] + options + ["context"]
            let outcome = try directory.start(arguments).wait()
            try #require(outcome.status == 0, "\(outcome.error)")
            return try directory.document("inspect", "app")["digest"].text ?? ""
        }
        let gzip = try digest(directory)
        let zstd = try digest(directory, "--compression", "zstd", "--expect-cached")
        #expect(zstd == (try digest(fresh, "--compression", "zstd", "--no-cache")))
        #expect(gzip != zstd)
        #expect(try digest(directory, "--expect-cached") == gzip)
        #expect(try digest(fresh, "--expect-cached") == gzip)
    }

    @Test("stdout has only the archive; the image ID goes to stderr")
    func standardOutput() throws {
        let directory = try Self.directory()
        try Program.shell(
            "\(Binary.path) build --store store --progress quiet -o - context >out.tar 2>told", in: directory.path)
        #expect(try directory.read("told").hasPrefix("sha256:"))
        let names = try Program.shell("tar -tf out.tar | grep -cx -e one -e file -e base/two", in: directory.path)
        #expect(names == "3")
        #expect(
            try Program.shell("tar -tf out.tar | grep -c -e base/one -e '[.]wh[.]' || true", in: directory.path) == "0")
    }

    @Test("An archive for a terminal is refused")
    func terminal() throws {
        let directory = try Self.directory()
        let told = try Program.shell(
            "script -qec '\(Binary.path) build --store store --progress quiet -o - context' /dev/null || true",
            in: directory.path)
        #expect(told.contains("cannot write an archive to a terminal"))
    }

    @Test("A device is written to and stays one")
    func device() throws {
        let directory = try Self.directory()
        #expect(try Self.build(directory, "-o", "type=tar,dest=/dev/null").status == 0)
        #expect(try Program.shell("stat -c %F /dev/null") == "character special file")
    }

    @Test("An image gets no name if the store is not an output")
    func noStore() throws {
        let directory = try Self.directory()
        #expect(try Self.build(directory, "-t", "app", "-o", "type=cacheonly").status == 0)
        #expect(try directory.succeed("images").contains("app") == false)
        #expect(try Self.build(directory, "-t", "app", "-o", "type=cacheonly", "--load").status == 0)
        #expect(try directory.succeed("images").contains("app:latest"))
    }

    @Test("type=local removes other files with mode=delete, and keeps them without it")
    func local() throws {
        let directory = try Self.directory()
        try directory.write("out/stale", "1")
        #expect(try Self.build(directory, "-o", "out").status == 0)
        #expect(try Program.shell("cat out/stale out/one", in: directory.path) == "11")
        #expect(try Self.build(directory, "-o", "type=local,dest=out,mode=delete").status == 0)
        #expect(try Program.shell("test -e out/stale || cat out/one", in: directory.path) == "1")
    }

    @Test("Several platforms give one index, and a stage for the build platform runs for each")
    func platforms() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build(
            """
            FROM --platform=$BUILDPLATFORM busybox AS tools
            ARG TARGETPLATFORM
            RUN echo $TARGETPLATFORM >/for
            FROM scratch
            COPY --from=tools /for /
            """, "--platform", "linux/amd64,linux/arm64", "--annotation", "index:a=b", "--metadata-file", "m.json",
            "--iidfile", "id")
        let row = try directory.document("images", "--format", "json")["images"].list.first {
            $0["name"].text == "app:latest"
        }
        #expect(row?["platforms"] == .array([.string("linux/amd64"), .string("linux/arm64")]))
        let metadata = try Document(parsing: directory.read("m.json"))
        #expect(metadata["containerimage.digest"] == row?["digest"])
        #expect(metadata["containerimage.digest"].text == (try directory.read("id")))
        try directory.succeed("copy", "--platform", "linux/arm64", "app", "arm")
        let arm = try Inspection("arm", in: directory)
        #expect(arm.config["architecture"] == .string("arm64"))
        #expect(try arm.content(of: "for", inLayer: 0) == "linux/arm64")
        try directory.succeed(
            "build", "--progress", "quiet", "--platform", "linux/amd64,linux/arm64", "-o", "type=local,dest=out",
            "context")
        #expect(try Program.shell("cat out/*/for", in: directory.path) == "linux/amd64\nlinux/arm64")
        // A stage on an index uses the image of its own platform.
        try directory.build("FROM app\nCOPY --from=app /for /again\n", "--platform", "linux/arm64", "-t", "second")
        #expect(try Inspection("second", in: directory).content(of: "again", inLayer: 1) == "linux/arm64")
        #expect(try directory.faults() == [])
    }

    @Test("A named context is the image for the platform of the stage that begins with it, not of the build")
    func contextPlatform() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.build(
            "FROM --platform=linux/amd64 base AS tools\nFROM scratch\nCOPY --from=tools /bin/busybox /busybox\n",
            "--platform", "linux/amd64,linux/arm64", "--build-context", "base=docker-image://busybox")
        let row = try directory.document("images", "--format", "json")["images"].list.first {
            $0["name"].text == "app:latest"
        }
        #expect(row?["platforms"].list.count == 2)
    }

    @Test("A RUN for a platform without an emulator is refused with its line and a remedy")
    func emulation() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\nRUN true\n")
        let outcome = try Self.build(directory, "--platform", "linux/s390x")
        // If qemu-s390x is registered, only the base image is missing.
        guard outcome.status == 3 else {
            return #expect(outcome.stderrLines.first?.contains("is for linux/amd64") ?? false)
        }
        #expect(
            outcome.stderrLines.first
                == "thaw: Dockerfile:2: this machine cannot run commands for linux/s390x: no emulator is registered for it"
        )
        #expect(outcome.stderrLines.last?.contains("install qemu-user-static") ?? false)
    }

    @Test("A base image for another platform is refused")
    func wrongPlatform() throws {
        let directory = try TestDirectory.withBusybox()
        try directory.write("context/Dockerfile", "FROM busybox\n")
        let outcome = try Self.build(directory, "--platform", "linux/arm64")
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines.first
                == "thaw: Dockerfile:1: image 'busybox' in the store is for linux/amd64, not linux/arm64")
    }

    /// A Docker engine with two calls, which returns the image that was loaded.
    private static let engine = """
        import os, re, socketserver
        class Engine(socketserver.StreamRequestHandler):
            def handle(self):
                line = self.rfile.readline().decode()
                while self.rfile.readline().strip(): pass
                if line.startswith("POST /images/load"):
                    with open("loaded.tar", "wb") as file:
                        while size := int(self.rfile.readline(), 16):
                            file.write(self.rfile.read(size)); self.rfile.readline()
                    body = b'{"stream":"Loaded image: app:latest\\\\n"}'
                    self.wfile.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
                elif "absent" in line:
                    self.wfile.write(b'HTTP/1.0 404 Not Found\\r\\n\\r\\n{"message":"No such image: absent"}')
                else:
                    self.wfile.write(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + open("loaded.tar", "rb").read())
        socketserver.UnixStreamServer("socket", Engine).serve_forever()
        """

    /// Returns an image with its layers compressed, as every export has them.
    private static func exported(_ name: String, in directory: TestDirectory) throws -> Inspection {
        try directory.succeed("copy", name, "oci:exported:\(name)")
        try directory.succeed("copy", "oci:exported:\(name)", "exported")
        return try Inspection("exported", in: directory)
    }

    @Test("Every export of a stored build has the digest of a build for that output, and other tools read the store")
    func exports() throws {
        let directory = try Self.directory()
        #expect(try Self.build(directory, "-t", "app").status == 0)
        #expect(try Self.build(directory, "-o", "type=oci,dest=now,tar=false,name=app", "--no-cache").status == 0)
        try directory.succeed("save", "--format", "oci-archive", "-o", "saved.tar", "app")
        try directory.succeed("copy", "oci-archive:saved.tar", "saved")
        try directory.succeed("copy", "oci:now", "now")
        let now = try Inspection("now", in: directory).manifest
        #expect(try Inspection("saved", in: directory).manifest == now)
        #expect(try Self.exported("app", in: directory).manifest == now)
        #expect(now["layers"].list.allSatisfy { $0["mediaType"].text?.hasSuffix("+gzip") ?? false })
        let stored = try Inspection("app", in: directory).manifest["layers"].list
        #expect(stored.last?["mediaType"].text == "application/vnd.oci.image.layer.v1.tar")
        #expect(try directory.faults() == [])
    }

    @Test("An image is copied to a Docker engine and back")
    func dockerDaemon() throws {
        let directory = try Self.directory()
        #expect(try Self.build(directory, "-t", "app").status == 0)
        try directory.write("engine.py", Self.engine)
        let engine = try Program(["python3", "engine.py"], in: directory.path)
        defer {
            engine.kill()
            _ = engine.wait()
        }
        try Program.shell("until [ -S socket ]; do sleep 0.01; done", in: directory.path)
        let host = ["DOCKER_HOST": "unix://\(directory.path)/socket"]
        for (from, to) in [("app", "docker-daemon:app"), ("docker-daemon:app", "back")] {
            let outcome = try directory.thaw("copy", from, to, environment: host)
            #expect(outcome.status == 0, "\(outcome.error)")
        }
        #expect(try Inspection("back", in: directory).manifest == Self.exported("app", in: directory).manifest)
        let absent = try directory.thaw("history", "docker-daemon:absent", environment: host)
        #expect(
            absent.stderrLines == [
                "thaw: docker-daemon:absent:latest: Docker responded with status 404: No such image: absent"
            ])
        let nowhere = try directory.thaw("history", "docker-daemon:app", environment: ["DOCKER_HOST": "unix:///absent"])
        #expect(nowhere.status == 3)
        #expect(nowhere.stderrLines.first?.hasPrefix("thaw: there is no Docker engine at '/absent'") ?? false)
    }

    @Test(
        "An archive is an image argument like any other",
        arguments: ["docker-archive:a.tar:app:1", "oci-archive:b.tar:t"])
    func archives(place: String) throws {
        let directory = try Self.directory()
        #expect(try Self.build(directory, "-t", "app").status == 0)
        try directory.succeed("copy", "app", place)
        let history = try directory.document("history", "--format", "json", place)
        #expect(history == (try directory.document("history", "--format", "json", "app")))
        try directory.succeed("copy", place, "back")
        #expect(try Inspection("back", in: directory).manifest == Self.exported("app", in: directory).manifest)
        let absent = try directory.thaw("history", place + "x")
        #expect(absent.status == 1)
        #expect(absent.stderrLines.first?.contains("has no image '") ?? false)
    }

    @Test("An image with only a tag is not loaded under the tag's name")
    func onlyTag() throws {
        let directory = try Self.directory()
        try directory.succeed("copy", "busybox", "oci:layout:debian")
        let outcome = try directory.thaw("load", "-i", "layout")
        #expect(outcome.status == 1)
        #expect(
            outcome.stderrLines == [
                "thaw: 'layout' names an image only by the tag 'debian', which is not a full name",
                "      name it: 'thaw copy oci:layout:debian NAME', or oci-archive: for an archive",
            ])
    }

    @Test("The shares of df add up, and prune keeps at most its budget")
    func prune() throws {
        let directory = try Self.directory()
        #expect(try Self.build(directory).status == 0)
        let before = try directory.document("df", "--format", "json")
        #expect(before["kind"] == .string("diskUse"))
        let shares = ["images", "steps", "unpackedLayers", "indexes", "cacheMounts", "unneeded"]
        let sum = shares.reduce(0) { $0 + (before[$1]["bytes"].number ?? 0) }
        #expect(before["totalBytes"] == .number(sum))
        #expect((before["steps"]["count"].number ?? 0) >= 2)
        let limit = Int(sum) - 1
        let pruned = try directory.document("prune", "--format", "json", "--keep-bytes", "\(limit)")
        let after = try directory.document("df", "--format", "json")
        #expect(after["totalBytes"] == pruned["leftBytes"])
        #expect((after["totalBytes"].number ?? .infinity) <= Double(limit))
        #expect(try directory.succeed("prune", "--older-than", "1h").hasPrefix("0 blobs"))
        let rest = try directory.thaw("prune", "--keep-bytes", "0")
        #expect(rest.status == 0)
        #expect(rest.error.contains("images with a name use"))
        #expect(try directory.document("df", "--format", "json")["steps"]["count"] == .number(0))
        for wrong in [["--keep-bytes", "much"], ["--older-than", "5"], ["--older-than", ""]] {
            #expect(try directory.start(["prune"] + wrong).wait().status == 64)
        }
        #expect(try directory.faults() == [])
    }
}
