import ImageFiles
import Linux
import OCI
import Slim
import Support
import Testing

/// Levels, exclusions and explanations, on a small Debian.
@Suite("A level of slimming") struct LevelTests {
    private static func debian() throws -> [(LayerEntry, [UInt8])] {
        try glibc() + [
            program("usr/bin/tool", .program(needs: ["libc.so.6"])), file("usr/share/tool/data", "x"),
            file("usr/share/man/man1/tool.1", "manual"), file("usr/include/tool.h", "header"),
            file("usr/lib/libtool.a", "archive"), program("usr/bin/dpkg", ELFMaker()),
            file("var/cache/apt/pkgcache.bin", "cache"), symlink("usr/share/man/man1/t.1", "tool.1"),
            program("usr/sbin/update-tool", ELFMaker()), file("etc/logrotate.d/tool", "x"),
            directory("var/log/tool", mode: 0o700), file("var/log/tool/old", "x"),
        ]
            + dpkg([
                ("libc6", "", glibc().map { "/" + $0.0.path.description.dropFirst() }),
                (
                    "tool", "Depends: libc6, dpkg",
                    [
                        "/usr/bin/tool", "/usr/share/tool/data", "/usr/share/man/man1/tool.1", "/usr/include/tool.h",
                        "/usr/lib/libtool.a", "/usr/sbin/update-tool", "/etc/logrotate.d/tool",
                    ]
                ), ("dpkg", "Essential: yes", ["/usr/bin/dpkg"]),
            ])
    }

    private static func sample(runs arguments: [String] = ["/app/run"]) throws -> Sample {
        try Sample(
            [debian(), [program("app/run", .program(needs: ["libc.so.6"])), file("app/lib.so", "x")]], runs: arguments)
    }

    @Test("safe drops only caches, manuals and package managers")
    func safe() async throws {
        let found = try await Self.sample().kept(SlimOptions(level: .safe))
        #expect(
            found.isSuperset(of: [
                "/usr/bin/tool", "/usr/share/tool/data", "/usr/include/tool.h", "/usr/lib/libtool.a",
                "/usr/sbin/update-tool", "/etc/logrotate.d/tool",
            ]))
        let plan = try await Self.sample().plan(SlimOptions(level: .safe))
        #expect(plan.explain(try ImagePath("/var/log/tool")) != nil)
        #expect(
            found.isDisjoint(with: [
                "/var/log/tool/old", "/usr/share/man/man1/tool.1", "/usr/share/man/man1/t.1",
                "/var/cache/apt/pkgcache.bin", "/usr/bin/dpkg",
            ]))
    }

    @Test("closure keeps a used package without headers, static libraries and scripts for administrators")
    func closure() async throws {
        let found = try await Self.sample(runs: ["tool"]).kept()
        #expect(found.isSuperset(of: ["/usr/bin/tool", "/usr/share/tool/data"]))
        #expect(
            found.isDisjoint(with: [
                "/usr/include/tool.h", "/usr/lib/libtool.a", "/usr/sbin/update-tool", "/etc/logrotate.d/tool",
                "/usr/bin/dpkg",
            ]))
    }

    @Test("trace keeps of a used package its settings, its plugins, what was opened and what its program names")
    func trace() async throws {
        let tool = ELFMaker.program(calling: ["execv"], texts: ["/usr/share/tool/named", "/etc"])
        let entries =
            try glibc() + [
                program("usr/bin/tool", tool), program("usr/bin/helper", .program(needs: [])),
                library("usr/lib/tool/modules/plugin.so"), file("etc/tool/tool.conf", "x"),
                file("usr/share/tool/named/a", "x"), file("usr/share/tool/other", "x"),
                file("usr/share/tool/opened", "x"),
                file("usr/share/dependency/data", "x"), program("usr/bin/dependency", ELFMaker()),
            ]
        let all = entries.dropFirst(try glibc().count).map { $0.0.path.description }
        let owned = all.filter { !$0.contains("dependency") }
        let database = try dpkg([
            ("tool", "Depends: dependency", owned), ("dependency", "", all.filter { !owned.contains($0) }),
        ])
        let sample = try Sample([entries + database], runs: ["tool"])
        let observed = [Array("/usr/share/tool/opened".utf8)]
        let kept = try await sample.kept(SlimOptions(level: .trace, observed: observed))
        #expect(
            Set(all).subtracting(kept) == [
                "/usr/bin/helper", "/usr/share/tool/other", "/usr/share/dependency/data", "/usr/bin/dependency",
            ])
        #expect(try await sample.kept(SlimOptions(observed: observed)).isSuperset(of: all))
    }

    @Test("openssl-conf: A file that was only read keeps its package's data, but no programs and no dependencies")
    func openssl() async throws {
        let entries =
            try Self.debian() + [
                file("etc/ssl/openssl.cnf", "conf"), file("usr/bin/c_rehash", "#!/usr/bin/perl\n", mode: 0o755),
                program("usr/bin/openssl", ELFMaker()), program("usr/bin/perl", ELFMaker()),
            ]
        let database = try dpkg([
            ("openssl", "Depends: tool", ["/etc/ssl/openssl.cnf", "/usr/bin/c_rehash", "/usr/bin/openssl"]),
            ("perl", "", ["/usr/bin/perl"]), ("tool", "", ["/usr/bin/tool"]),
        ])
        let found = try await Sample([entries + database, [program("app", ELFMaker())]], runs: ["/app"]).kept(
            SlimOptions(observed: [Array("/etc/ssl/openssl.cnf".utf8)]))
        #expect(found.contains("/etc/ssl/openssl.cnf"))
        #expect(found.isDisjoint(with: ["/usr/bin/c_rehash", "/usr/bin/perl", "/usr/bin/openssl", "/usr/bin/tool"]))
    }

    @Test("npm and pip go unless they are called", arguments: [["/usr/local/bin/node", "app.js"], ["npm", "start"]])
    func bundles(arguments: [String]) async throws {
        let entries = try [
            program("usr/local/bin/node", ELFMaker()),
            symlink("usr/local/bin/npm", "../lib/node_modules/npm/bin/npm-cli.js"),
            file("usr/local/lib/node_modules/npm/bin/npm-cli.js", "#!/usr/bin/env node\n", mode: 0o755),
            file("usr/local/lib/node_modules/npm/lib/a.js", "x"), file("usr/local/lib/node_modules/other/a.js", "x"),
            file("usr/local/lib/python3.11/site-packages/pip/a.py", "x"),
            file("usr/local/lib/python3.11/site-packages/flask/a.py", "x"), program("usr/bin/env", ELFMaker()),
        ]
        let found = try await Sample([entries], runs: arguments).kept()
        #expect(found.contains("/usr/local/lib/node_modules/npm/lib/a.js") == (arguments[0] == "npm"))
        #expect(found.contains("/usr/local/lib/node_modules/npm/bin/npm-cli.js") == (arguments[0] == "npm"))
        #expect(found.contains("/usr/local/lib/node_modules/other/a.js"))
        #expect(!found.contains("/usr/local/lib/python3.11/site-packages/pip/a.py"))
        #expect(found.contains("/usr/local/lib/python3.11/site-packages/flask/a.py"))
    }

    @Test("Python's test suites and parts for developers go unless a source imports them", arguments: [false, true])
    func pythonParts(isImported: Bool) async throws {
        let library = "usr/local/lib/python3.11"
        let parts = ["test/x.py", "idlelib/a.py", "site-packages/pandas/tests/b.py", "lib2to3/c.py", "ensurepip/d.py"]
        let imports = "from pandas.tests import b\nimport test.x\nimport idlelib, lib2to3\nimport venv\n"
        let entries = try [
            program("usr/local/bin/python3.11", .program(calling: ["Py_BytesMain"])),
            file("\(library)/os.py", "import sys"), file("\(library)/site-packages/pandas/a.py", "import os"),
            file("app/a.py", isImported ? imports : "import pandas\n"),
        ]
        let found = try await Sample(
            [glibc() + entries + parts.map { try file("\(library)/\($0)", "import test, tests") }],
            runs: ["python3.11", "/app/a.py"]
        ).kept()
        #expect(found.isSuperset(of: ["/\(library)/os.py", "/\(library)/site-packages/pandas/a.py"]))
        for part in parts { #expect(found.contains("/\(library)/\(part)") == isImported, "\(part)") }
    }

    @Test("twice: Nothing changes an image that is slim", arguments: SlimLevel.allCases)
    func twice(level: SlimLevel) async throws {
        let (_, after, plan) = try await Self.sample().slimmed(SlimOptions(level: level))
        #expect(!plan.changesNothing)
        #expect(try SlimPlan(after, options: SlimOptions(level: level)).changesNothing)
    }

    @Test("The bytes that only the level keeps are of files that closure would drop")
    func levelBytes() async throws {
        let sample = try Self.sample()
        let (safe, closure) = (try await sample.plan(SlimOptions(level: .safe)), try await sample.plan())
        func bytes(_ plan: SlimPlan) -> Int64 { plan.removed.reduce(0) { $0 + $1.bytes } }
        #expect(closure.levelBytes == 0)
        #expect(safe.levelBytes > 0 && bytes(safe) + safe.levelBytes <= bytes(closure))
    }
}

@Suite("A decision of a plan") struct ExplanationTests {
    private static func sample() throws -> Sample {
        let app = try [
            program("app/run", .program(needs: ["libc.so.6"])), file("app/data", "x"),
            file("usr/bin/ucf", "#!/bin/sh\n", mode: 0o755),
        ]
        return try Sample([glibc() + app + dpkg([("ucf", "", ["/usr/bin/ucf"])])], runs: ["/app/run"])
    }

    @Test("health: An --exclude of a needed file is refused with the chain of reasons")
    func excluded() async throws {
        let health = JSON.object(["Test": .strings(["CMD", "/app/check"])])
        let sample = try Sample(
            [glibc() + [program("app/run", ELFMaker()), program("app/check", .program(needs: ["libc.so.6"]))]],
            runs: ["/app/run"]
        ) { $0.healthcheck = health }
        for (pattern, path, chain) in [
            ("/app/check", "/app/check", ["/app/check is the program of HEALTHCHECK"]),
            (
                "/usr/lib/**/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6",
                [
                    "/usr/lib/x86_64-linux-gnu/libc.so.6 is a library of /app/check",
                    "/app/check is the program of HEALTHCHECK",
                ]
            ),
        ] {
            let options = SlimOptions(exclude: [try ImagePathPattern(pattern)])
            await #expect(throws: SlimError.excludedNeeded(try ImagePath(path), chain: chain)) {
                try await sample.plan(options)
            }
        }
        // A file that only the application owns can go, with everything that only it needs.
        let free = SlimOptions(exclude: [try ImagePathPattern("/app/data")])
        #expect(try await !Self.sample().kept(free).contains("/app/data"))
    }

    @Test("include-none: A pattern of --include that matches nothing is known")
    func vain() async throws {
        let patterns = try ["/nope/**", "/app/*"].map { try ImagePathPattern($0) }
        #expect(try await Self.sample().plan(SlimOptions(include: patterns)).vainIncludes == ["/nope/**"])
    }

    @Test("explain: A dropped path has its class, package and layer; one outside the image has no decision")
    func explains() async throws {
        let plan = try await Self.sample().plan()
        let ucf = try #require(plan.explanation(of: try ImagePath("/usr/bin/ucf")))
        #expect(ucf.decision == .dropped(.packageManager, package: "ucf", layer: 0))
        #expect(ucf.text == "/usr/bin/ucf is dropped: it belongs to a package manager; package ucf, layer 1")
        #expect(plan.explanation(of: try ImagePath("/nowhere")) == nil)
        #expect(plan.explanations(matching: try ImagePathPattern("/app/*")).map(\.text).count == 2)
        #expect(plan.explanations(matching: try ImagePathPattern("/nope/*")).isEmpty)
    }

    @Test("Every kept path has a chain that ends at a reason without a cause")
    func chains() async throws {
        let plan = try await Self.sample().plan()
        for node in plan.keep.keys {
            let path = plan.contents.tree.path(of: node)
            let chain = try #require(plan.explain(path))
            #expect(!chain.isEmpty && chain.count == Set(chain).count)
        }
    }
}
