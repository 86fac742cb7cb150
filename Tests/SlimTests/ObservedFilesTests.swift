import Slim
import Support
import Testing

@Suite("Observed files") struct ObservedFilesTests {
    private func kept(_ observed: [String], exclude: [ImagePathPattern] = []) async throws -> Set<String> {
        let lazy = try [
            directory("usr/lib/lazy"), library("usr/lib/lazy/plugin.so", needs: ["libc.so.6"]),
            symlink("usr/lib/lazy/plugin", "plugin.so"), symlink("usr/lib/also", "lazy"),
            file("usr/lib/lazy/more", "x"),
            file("usr/lib/other/module.py", "1"), file("usr/lib/other/__pycache__/module.cpython-311.pyc", "2"),
            file("usr/lib/other/unused", "3"),
        ]
        let names = [
            "/usr/lib/lazy/plugin.so", "/usr/lib/lazy/plugin", "/usr/lib/also", "/usr/lib/lazy/more",
        ]
        let database = try dpkg([
            ("lazy", "", names),
            (
                "other", "Essential: yes",
                [
                    "/usr/lib/other/module.py", "/usr/lib/other/__pycache__/module.cpython-311.pyc",
                    "/usr/lib/other/unused",
                ]
            ),
        ])
        let sample = try Sample(
            [glibc() + lazy + database + [program("app/run", .program(needs: ["libc.so.6"]))]], runs: ["/app/run"])
        let options = SlimOptions(exclude: exclude, observed: observed.map { Array($0.utf8) })
        _ = try await sample.slimmed(options)
        return try await sample.kept(options)
    }

    @Test("Without observation files that nothing refers to are dropped")
    func without() async throws {
        let found = try await kept([])
        #expect(found.filter { $0.contains("/lazy/") || $0.contains("/other/") || $0 == "/usr/lib/also" } == [])
    }

    @Test("An observed file is kept with its package and the links to it")
    func observed() async throws {
        let found = try await kept(["/usr/lib/lazy/plugin.so"])
        #expect(
            found.isSuperset(of: [
                "/usr/lib/lazy/plugin.so", "/usr/lib/lazy/plugin", "/usr/lib/also", "/usr/lib/lazy/more",
            ]))
        #expect(!found.contains("/usr/lib/other/module.py"))
    }

    @Test("A compiled file keeps its source, and nothing else of a base package")
    func compiled() async throws {
        let found = try await kept(["/usr/lib/other/__pycache__/module.cpython-311.pyc"])
        #expect(found.contains("/usr/lib/other/module.py"))
        #expect(found.contains("/usr/lib/other/__pycache__/module.cpython-311.pyc"))
        #expect(!found.contains("/usr/lib/other/unused"))
    }

    @Test(
        "Observed paths of any form cause no error, and --exclude has precedence",
        arguments: ["", "relative", "/", "/nowhere", "/usr/lib/lazy/plugin.so (deleted)", "/../../..", "/proc/self\0"])
    func hostile(path: String) async throws {
        let found = try await kept([path, "/usr/lib/lazy/more"], exclude: [ImagePathPattern("/usr/lib/lazy/more")])
        #expect(!found.contains("/usr/lib/lazy/more"))
    }
}
