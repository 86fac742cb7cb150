import Linux
import OCI
import Slim
import Support
import Testing

/// The parts of Python's libraries that are dropped unless a source imports them.
@Suite("A part of Python's libraries") struct PythonPartsTests {
    private static let library = "usr/local/lib/python3.11"

    /// Returns the kept ones of `paths`, which may be below the library, of an image with these sources.
    private static func kept(_ paths: [String], _ sources: [String: String]) async throws -> Set<String> {
        let fixed = try [
            program("usr/local/bin/python3.11", .program(calling: ["Py_BytesMain"])),
            file("\(library)/os.py", "import sys"),
        ]
        let others = try sources.map { path, text in
            try file(path.hasPrefix("app/") ? path : "\(library)/\(path)", text)
        }
        let parts = try paths.filter { sources[$0] == nil }.map { try file("\(library)/\($0)", "pass") }
        let found = try await Sample([glibc() + fixed + others + parts], runs: ["python3.11", "/app/a.py"]).kept()
        return Set(paths.filter { found.contains("/\(library)/\($0)") })
    }

    @Test("A test suite stays only if its own name is imported, not a module that is called like it")
    func tests() async throws {
        let paths = ["site-packages/numpy/tests/t.py", "site-packages/jinja2/tests.py", "test/support.py"]
        let module = "site-packages/jinja2/__init__.py"
        #expect(
            try await Self.kept(paths, ["app/a.py": "import jinja2", module: "from .tests import TESTS"])
                == ["site-packages/jinja2/tests.py"])
        #expect(
            try await Self.kept(
                paths, ["app/a.py": "from numpy import (\n    tests,  # all\n    ma as b,\n)\nimport test.support"])
                == Set(paths))
    }

    @Test("A part that only other dropped parts import is dropped with its extension modules")
    func reach() async throws {
        let paths = [
            "sqlite3/__init__.py", "lib-dynload/_sqlite3.cpython-311-x86_64-linux-gnu.so", "turtledemo/a.py",
            "turtle.py",
        ]
        let sources = ["sqlite3/__init__.py": "from _sqlite3 import *", "turtledemo/a.py": "import turtle, sqlite3"]
        #expect(try await Self.kept(paths, sources.merging(["app/a.py": "import os"]) { $1 }).isEmpty)
        #expect(
            try await Self.kept(paths, sources.merging(["app/a.py": "def f():\n    import sqlite3"]) { $1 })
                == Set(paths.prefix(2)))
    }

    @Test(
        "An import of a computed name keeps all of the standard library if the application has it",
        arguments: [("app/b.py", true), ("site-packages/flask/b.py", false)])
    func computed(path: String, isKept: Bool) async throws {
        let source = "from importlib import import_module\n\n\ndef load(name):\n    return import_module(name)\n"
        let found = try await Self.kept(["sqlite3/a.py"], ["app/a.py": "import os", path: source])
        #expect(found.isEmpty != isKept)
        let literal = source.replacing("(name)", with: "('json')")
        #expect(try await Self.kept(["sqlite3/a.py"], ["app/a.py": "import os", path: literal]).isEmpty)
    }

    @Test("A module that the command line runs stays")
    func command() async throws {
        let health = JSON.object(["Test": .strings(["CMD-SHELL", "python3.11 -m pdb -h"])])
        let sample = try Sample(
            [
                glibc() + [
                    program("usr/local/bin/python3.11", .program(calling: ["Py_BytesMain"])),
                    program("bin/sh", ELFMaker()),
                    file("\(Self.library)/pdb.py", "import os"), file("\(Self.library)/wave.py", "import os"),
                ]
            ], runs: ["python3.11"]
        ) { $0.healthcheck = health }
        let found = try await sample.kept()
        #expect(found.contains("/\(Self.library)/pdb.py") && !found.contains("/\(Self.library)/wave.py"))
    }

    @Test("Stubs for type checkers stay only where a library reads them", arguments: [false, true])
    func stubs(isRead: Bool) async throws {
        let source = isRead ? "import lazy_loader as lazy" : "import os"
        let found = try await Self.kept(
            ["site-packages/a/__init__.pyi"], ["app/a.py": "import a", "site-packages/a/__init__.py": source])
        #expect(found.isEmpty != isRead)
    }

    @Test("NumPy's compiler stays only if another package imports it", arguments: ["numpy", "scipy"])
    func compiler(importer: String) async throws {
        let found = try await Self.kept(
            ["site-packages/numpy/f2py/a.py"],
            ["app/a.py": "import numpy", "site-packages/\(importer)/__init__.py": "import numpy.f2py as f2py"])
        #expect(found.isEmpty == (importer == "numpy"))
    }
}
