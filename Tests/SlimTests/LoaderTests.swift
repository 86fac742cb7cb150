import ImageFiles
import OCI
import Slim
import Support
import Testing

@Suite("The ELF closure") struct LoaderTests {
    /// Returns the files that the program `/opt/app/run` needs.
    ///
    /// Libraries are owned by a package, so only a reason keeps them.
    private func closure(
        of maker: ELFMaker, _ libraries: [(LayerEntry, [UInt8])], environment: [String] = [], mode: UInt16 = 0o755
    ) async throws -> Set<String> {
        let base = try glibc() + libraries
        let paths = base.map { $0.0.path.description }
        let package = try dpkg([("base", "Priority: required", paths)])
        let run = try file("opt/app/run", maker.bytes, mode: mode)
        return try await Sample([base + package, [run]], runs: ["/opt/app/run"], environment: environment).kept()
            .subtracting(glibcPaths).subtracting([
                "/opt/app/run", "/var/lib/dpkg/status", "/var/lib/dpkg/info/base.list",
            ])
    }

    private func needing(_ name: String, _ edit: (inout ELFMaker) -> Void = { _ in }) -> ELFMaker {
        var maker = ELFMaker.program(needs: [name, "libc.so.6"])
        edit(&maker)
        return maker
    }

    @Test("Loader, C library, and the links to them are kept; an unneeded library is not")
    func keepsLoader() async throws {
        let image = try Sample(
            [
                glibc() + [library("usr/lib/x86_64-linux-gnu/libother.so.1")]
                    + dpkg([("libother", "", ["/usr/lib/x86_64-linux-gnu/libother.so.1"])]),
                [program("opt/app/run", .program(needs: ["libc.so.6"]))],
            ], runs: ["/opt/app/run"])
        #expect(try await image.kept() == glibcPaths.union(["/opt/app/run", "/var/lib/dpkg/status"]))
    }

    @Test("Libraries of libraries are followed, each through its links")
    func followsNeeds() async throws {
        let found = try await closure(
            of: needing("liba.so.1"),
            [
                symlink("usr/lib/x86_64-linux-gnu/liba.so.1", "liba.so.1.2"),
                library("usr/lib/x86_64-linux-gnu/liba.so.1.2", needs: ["libb.so.1"]), library("usr/lib/libb.so.1"),
            ])
        #expect(
            found == [
                "/usr/lib/x86_64-linux-gnu/liba.so.1", "/usr/lib/x86_64-linux-gnu/liba.so.1.2", "/usr/lib/libb.so.1",
            ])
    }

    @Test("RPATH comes before LD_LIBRARY_PATH, RUNPATH after it, the default directories last")
    func ordersDirectories() async throws {
        let libraries = try ["opt/rpath", "opt/env", "opt/runpath", "usr/lib"].map { try library("\($0)/liba.so.1") }
        let environment = ["LD_LIBRARY_PATH=/opt/env"]
        let cases: [(ELFMaker, [String], String)] = [
            (needing("liba.so.1") { $0.rpath = "/opt/rpath" }, environment, "/opt/rpath/liba.so.1"),
            (
                needing("liba.so.1") { ($0.rpath, $0.runpath) = ("/opt/rpath", "/opt/runpath") }, environment,
                "/opt/env/liba.so.1"
            ),
            (needing("liba.so.1") { $0.runpath = "/opt/runpath" }, [], "/opt/runpath/liba.so.1"),
            (needing("liba.so.1"), [], "/usr/lib/liba.so.1"),
            (needing("/opt/env/liba.so.1"), [], "/opt/env/liba.so.1"),
        ]
        for (maker, environment, expected) in cases {
            #expect(try await closure(of: maker, libraries, environment: environment) == [expected])
        }
    }

    @Test("A setuid program ignores LD_LIBRARY_PATH")
    func ignoresEnvironment() async throws {
        let libraries = try [library("opt/env/liba.so.1"), library("usr/lib/liba.so.1")]
        let found = try await closure(
            of: needing("liba.so.1"), libraries, environment: ["LD_LIBRARY_PATH=/opt/env"], mode: 0o4755)
        #expect(found == ["/usr/lib/liba.so.1"])
    }

    @Test("The libraries that a file loads inherit its RPATH, but not its RUNPATH")
    func inheritsRPATH() async throws {
        let libraries = try [library("opt/l/liba.so.1", needs: ["libb.so.1"]), library("opt/l/libb.so.1")]
        #expect(
            try await closure(of: needing("liba.so.1") { $0.rpath = "/opt/l" }, libraries) == [
                "/opt/l/liba.so.1", "/opt/l/libb.so.1",
            ])
        #expect(
            try await closure(of: needing("liba.so.1") { $0.runpath = "/opt/l" }, libraries) == ["/opt/l/liba.so.1"])
    }

    @Test(
        "$ORIGIN is the file's directory, $LIB and $PLATFORM are tried in every form",
        arguments: ["$ORIGIN/../l", "${ORIGIN}/../l", "/opt/$LIB", "/opt/$PLATFORM"])
    func expands(path: String) async throws {
        let place = path.contains("LIB") ? "opt/lib64" : path.contains("PLATFORM") ? "opt/x86_64" : "opt/l"
        let found = try await closure(of: needing("liba.so.1") { $0.runpath = path }, [library("\(place)/liba.so.1")])
        #expect(found == ["/\(place)/liba.so.1"])
    }

    @Test("All variants for other processors are kept beside the plain library")
    func keepsVariants() async throws {
        let paths = ["", "glibc-hwcaps/x86-64-v2/", "glibc-hwcaps/x86-64-v4/"].map {
            "usr/lib/x86_64-linux-gnu/\($0)liba.so.1"
        }
        let found = try await closure(of: needing("liba.so.1"), paths.map { try library($0) })
        #expect(found == Set(paths.map { "/\($0)" }))
    }

    @Test("A library of another class or machine is ignored")
    func skipsForeign() async throws {
        var (narrow, other) = (ELFMaker.library("liba.so.1"), ELFMaker.library("liba.so.1"))
        (narrow.is64, narrow.machine, other.machine) = (false, 3, 183)
        let found = try await closure(
            of: needing("liba.so.1") { $0.runpath = "/opt/a:/opt/b:/opt/c:/opt/d" },
            [
                file("opt/a/liba.so.1", narrow.bytes), file("opt/b/liba.so.1", other.bytes),
                file("opt/c/liba.so.1", "INPUT(x)"),
                library("opt/d/liba.so.1"),
            ])
        #expect(found == ["/opt/d/liba.so.1"])
    }

    @Test("A library that is loaded at run time is found by a note, a text, a filter or an auditor")
    func followsHints() async throws {
        let libraries = try [library("usr/lib/libx.so.1"), library("usr/lib/libunasked.so.1")]
        let hints: [(inout ELFMaker) -> Void] = [
            { $0.dlopen = #"[{"feature":"x","priority":"suggested","soname":["libx.so.1","libgone.so"]}]"# },
            { $0.texts = ["libx.so.1", "libgone.so.2"] }, { $0.filter = "libx.so.1" }, { $0.audit = "libx.so.1" },
        ]
        for hint in hints {
            #expect(try await closure(of: needing("libc.so.6", hint), libraries) == ["/usr/lib/libx.so.1"])
        }
    }

    @Test("LD_PRELOAD and ld.so.preload are kept")
    func keepsPreloaded() async throws {
        let libraries = try [
            library("usr/lib/libj.so.2"), file("etc/ld.so.preload", "/usr/lib/libk.so\n"), library("usr/lib/libk.so"),
        ]
        let found = try await closure(of: needing("libc.so.6"), libraries, environment: ["LD_PRELOAD=libj.so.2"])
        #expect(found == ["/usr/lib/libj.so.2", "/usr/lib/libk.so", "/etc/ld.so.preload"])
    }

    @Test("DF_1_NODEFLIB disables the default directories, and a missing library is reported without an error")
    func reportsMissing() async throws {
        let run = needing("libgone.so.1") { $0.ignoresDefaultDirectories = true }
        let plan = try await Sample([glibc(), [program("opt/app/run", run)]], runs: ["/opt/app/run"]).plan()
        #expect(plan.missing.map(\.description).contains("/opt/app/run needs libgone.so.1"))
    }

    @Test("musl searches its own path, and both kinds of paths are inherited")
    func searchesAsMusl() async throws {
        let entries = try [
            library("lib/ld-musl-x86_64.so.1"), file("etc/ld-musl-x86_64.path", "/opt/m\n/lib"),
            library("opt/m/liba.so.1", needs: ["libb.so.1"]),
            library("opt/r/libb.so.1"), library("usr/lib/liba.so.1"),
        ]
        let database = try file(
            "lib/apk/db/installed",
            "P:musl\nF:lib\nR:ld-musl-x86_64.so.1\nF:opt/m\nR:liba.so.1\nF:opt/r\nR:libb.so.1\nF:usr/lib\nR:liba.so.1\n"
        )
        var run = ELFMaker.program(
            needs: ["liba.so.1", "libc.musl-x86_64.so.1"], interpreter: "/lib/ld-musl-x86_64.so.1")
        run.runpath = "/opt/r"
        let plan = try await Sample([entries + [database], [program("app", run)]], runs: ["/app"]).plan()
        #expect(plan.missing.isEmpty)
        let kept = Set(plan.keep.keys.map { plan.contents.tree.path(of: $0).description })
        #expect(kept.isSuperset(of: ["/app", "/lib/ld-musl-x86_64.so.1", "/opt/m/liba.so.1", "/opt/r/libb.so.1"]))
        #expect(!kept.contains("/usr/lib/liba.so.1"))
    }

    @Test("A needed library behind a link to a directory keeps the link")
    func keepsDirectoryLinks() async throws {
        let found = try await closure(
            of: needing("liba.so.1") { $0.runpath = "/opt/current/lib" },
            [symlink("opt/current", "v1"), library("opt/v1/lib/liba.so.1")])
        #expect(found == ["/opt/current", "/opt/v1/lib/liba.so.1"])
    }
}
