import ImageFiles
import Linux
import OCI
import Slim
import Support
import Testing

@Suite("A slim image") struct RewriteTests {
    /// Makes files with everything that a rewrite could lose, and two names of one file, one of which is dropped.
    private func sample() throws -> Sample {
        var special = FileMetadata(mode: 0o4750, uid: 3_000_000, gid: 70_000, mtime: FileTime(seconds: 1_700_000_001))
        special.xattrs = ["security.capability": [1, 0, 0, 2, 0, 4, 0, 0], "user.note": Array("é\0x".utf8)]
        let data = try (LayerEntry(ImagePath("app/special"), .add(.file(size: 3)), special), Array("abc".utf8))
        let fifo = try (LayerEntry(ImagePath("app/pipe"), .add(.fifo), FileMetadata(mode: 0o600)), [UInt8]())
        let app = try [
            program("app/run", .program(needs: ["libc.so.6"])), data, fifo, hardLink("app/twin", "app/special"),
            file("app/empty", ""),
            symlink("app/link", "special"), symlink("app/dangling", "nowhere"), file("usr/share/doc/x/a", "doc"),
            hardLink("app/kept", "usr/share/doc/x/a"),
            file("app/name with \u{e9}", "x"),
        ]
        return try Sample(
            [
                glibc() + dpkg([("doc", "", ["/usr/share/doc/x/a"])]), app,
                [file("app/late", "z"), whiteout("app/empty")],
            ], runs: ["/app/run"]
        ) { config in
            config.labels = ["a": "b"]
            config.history = [History(created: "2024-01-01T00:00:00Z", createdBy: "x")]
        }
    }

    @Test("It has one layer, and its configuration differs in layers and history only")
    func hasOneLayer() async throws {
        let sample = try sample()
        let (slim, _, _) = try await sample.slimmed()
        #expect(slim.layers.count == 1)
        #expect(slim.config.history.map(\.createdBy) == ["thaw slim \(sample.image.descriptor.digest)"])
        #expect(slim.config.labels == ["a": "b"])
        #expect(slim.config.entrypoint == ["/app/run"])
    }

    @Test("Modes, owners, times, attributes, links and special files are unchanged")
    func keepsMetadata() async throws {
        let (_, after, plan) = try await sample().slimmed()
        let tree = after.tree
        let special = try #require(tree.inode(at: try ImagePath("app/special")))
        #expect(special.metadata == plan.contents.tree.inode(at: try ImagePath("app/special"))?.metadata)
        #expect(special.metadata.xattrs.count == 2)
        #expect(special.linkCount == 2)
        #expect(tree.inode(at: try ImagePath("app/pipe"))?.kind == .fifo)
        #expect(tree.inode(at: try ImagePath("app/dangling"))?.kind == .symlink(target: Array("nowhere".utf8)))
        #expect(tree.inode(at: try ImagePath("app/kept"))?.kind == .file(size: 3))
        #expect(tree.node(at: try ImagePath("usr/share/doc/x/a")) == nil)
        #expect(tree.node(at: try ImagePath("app/empty")) == nil)
    }

    @Test("It has the same bytes if it is made twice", arguments: Compression.allCases)
    func isReproducible(compression: OCI.Compression) async throws {
        let (first, second) = (try sample(), try sample())
        let one = try await first.image.slimmed(by: first.plan(), into: first.workspace.store, compression: compression)
        let other = try await second.image.slimmed(
            by: second.plan(), into: second.workspace.store, compression: compression)
        #expect(one.descriptor == other.descriptor)
    }

    @Test("Slimming it again changes nothing")
    func isStable() async throws {
        let sample = try sample()
        let (slim, after, _) = try await sample.slimmed()
        let again = try SlimPlan(after)
        #expect(again.dropped == [])
        let twice = try await slim.slimmed(by: again, into: sample.workspace.store)
        #expect(twice.layers == slim.layers)
    }

    @Test("The report counts both images")
    func reports() async throws {
        let (slim, after, plan) = try await sample().slimmed()
        let document = plan.document(after: after)
        #expect(document["kind"]?.string == "slim")
        #expect(document["schemaVersion"]?.integer == 1)
        #expect(document["after"]?["digest"]?.string == slim.descriptor.digest.description)
        #expect(document["after"]?["layerCount"]?.integer == 1)
        #expect(document["before"]?["layerCount"]?.integer == 3)
        #expect(document["kept"]?.integer == Int64(plan.keep.count))
        #expect(document["reasons"]?["application"]?.integer ?? 0 > 5)
    }

    @Test("The database has only rows of kept packages, unchanged, and lists have only kept files")
    func reducesDatabase() async throws {
        let perl = try file("usr/bin/perl", "perl", mode: 0o755)
        let entries = try glibc() + [perl]
        let description = "Depends: x\nDescription: C library\n long text\n .\n more\n"
        let database = try dpkg([
            ("libc6", description, glibc().map(\.0.path.description)),
            ("perl", "Priority: required\n", ["/usr/bin/perl"]),
        ])
        let sums = try file(
            "var/lib/dpkg/info/libc6.md5sums",
            "00000000000000000000000000000000  lib64\n11111111111111111111111111111111  gone\n")
        let sample = try Sample(
            [entries + database + [sums, program("app", .program(needs: ["libc.so.6"]))]], runs: ["/app"])
        let (_, _, plan) = try await sample.slimmed()
        func text(_ path: String) throws -> String? {
            plan.contents.tree.node(at: try ImagePath(path)).flatMap { plan.replacements[$0] }.map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        #expect(
            try text("var/lib/dpkg/status")
                == "Package: libc6\nStatus: install ok installed\nVersion: 1\nDepends: x\nDescription: C library\n long text\n .\n more\n\n"
        )
        #expect(try text("var/lib/dpkg/info/libc6.md5sums") == "00000000000000000000000000000000  lib64\n")
        #expect(try text("var/lib/dpkg/info/libc6.list")?.contains("/usr/lib/x86_64-linux-gnu/libc.so.6\n") ?? false)
        #expect(try text("var/lib/dpkg/info/perl.list") == nil)
    }

    @Test("apk's rows have only kept files")
    func reducesApk() async throws {
        let database = try file(
            "lib/apk/db/installed",
            "P:tool\nV:1\nF:usr/bin\nR:tool\na:0:0:755\nZ:Q1x\nF:usr/share/man\nR:tool.1\nZ:Q1y\n\nP:gone\nV:2\nF:usr/bin\nR:gone\n\n"
        )
        let sample = try Sample(
            [
                [
                    database, program("usr/bin/tool", ELFMaker()), file("usr/share/man/tool.1", "m"),
                    file("usr/bin/gone", "x"),
                ]
            ], runs: ["tool"])
        let (_, _, plan) = try await sample.slimmed()
        let content = plan.replacements.values.map { String(decoding: $0, as: UTF8.self) }
        #expect(content == ["P:tool\nV:1\nF:usr/bin\nR:tool\na:0:0:755\nZ:Q1x\nF:usr/share/man\n\n"])
    }
}

@Suite("Invariants") struct InvariantTests {
    private func compare(
        _ before: [(LayerEntry, [UInt8])], _ after: [(LayerEntry, [UInt8])],
        _ edit: (inout ImageConfig) -> Void = { _ in }
    ) async throws -> [String] {
        let (one, other) = (try Sample([before], runs: ["/run"]), try Sample([after], runs: ["/run"], edit))
        return Invariants.check(
            try await ImageFiles(of: other.image), against: try await ImageFiles(of: one.image)
        ).map(
            \.description)
    }

    private func base() throws -> [(LayerEntry, [UInt8])] {
        var run = ELFMaker.program(needs: ["liba.so.1"], interpreter: "/lib/ld.so")
        run.texts = ["x"]
        return try [
            program("run", run), library("lib/ld.so"), library("lib/liba.so.1"), symlink("link", "data"),
            file("data", "1"), hardLink("twin", "data"),
            file("script", "#!/lib/ld.so\n", mode: 0o755), file("m.py", "1"),
            file("__pycache__/m.cpython-311.pyc", "2"),
            file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        ]
    }

    @Test("An image equals itself")
    func acceptsSame() async throws { #expect(try await compare(base(), base()) == []) }

    @Test(
        "Each loss is found",
        arguments: [
            ("lib/liba.so.1", "/run needs liba.so.1, which is missing"),
            ("lib/ld.so", "/run needs the interpreter /lib/ld.so, which is missing"),
            ("data", "/link links to data, which is missing"),
            ("m.py", "/__pycache__/m.cpython-311.pyc is a compiled file whose source is missing"),
            ("run", "the program '/run' is missing"), ("etc/passwd", "the user '' is missing"),
        ])
    func findsLoss(path: String, violation: String) async throws {
        let rest = try base().filter { entry, _ in
            if path == "data", entry.path == (try? ImagePath("twin")) { return false }
            return entry.path != (try? ImagePath(path))
        }
        #expect(try await compare(base(), rest).contains(violation))
    }

    @Test("Each change is found")
    func findsChanges() async throws {
        var changed = try base()
        changed[4] = try file("data", "2")
        #expect(try await compare(base(), changed).contains("/data has other content than before"))
        changed[4] = try file("data", "1", mode: 0o600)
        #expect(
            try await compare(base(), changed).contains("/data has another mode, owner, time or attribute than before"))
        changed[4] = try file("data", "11")
        #expect(try await compare(base(), changed).contains("/data is another kind of file than before"))
        changed = try base()
        changed[5] = try file("twin", "1")
        #expect(try await compare(base(), changed) == ["/twin and /data were one file before"])
        #expect(try await compare(base(), base() + [file("new", "")]) == ["/new was not in the image before"])
        #expect(
            try await compare(base(), base()) { $0.user = "9" } == [
                "the configuration differs in more than layers and history"
            ])
    }

    @Test("A fault of the original may remain")
    func allowsOldFaults() async throws {
        let old = try [program("run", .program(needs: ["libgone.so"], interpreter: "/gone")), symlink("l", "nowhere")]
        #expect(try await compare(old, old) == [])
    }
}
