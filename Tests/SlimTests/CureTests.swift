import ImageFiles
import Linux
import OCI
import Support
import Testing

@testable import Slim

@Suite("A cure") struct CureTests {
    /// Shell texts, the arguments behind them, and the command that replaces them; nil if the shell does more.
    static let texts: [(String, [String], [String]?)] = [
        ("exec /app/run --port 80", [], ["/app/run", "--port", "80"]),
        ("python3 -m http.server", [], ["python3", "-m", "http.server"]),
        ("#!/bin/sh\n# starts\nset -e\n\nexec \"$@\"\n", ["/app", "a b"], ["/app", "a b"]),
        ("#!/bin/sh\nset -eu\nexec gosu web \"$@\"\n", ["/app"], ["gosu", "web", "/app"]),
        ("#!/bin/sh\nexec /app\n", ["ignored"], ["/app"]), ("exec \"$@\"", [], nil), ("/app $PORT", [], nil),
        ("/app | tee log", [], nil), ("cd /srv && exec /app", [], nil), ("A=1 /app", [], nil), ("/app 'a b'", [], nil),
        ("/app *.txt", [], nil), ("echo ready", [], nil), ("mkdir -p /run/app\nexec /app", [], nil), ("", [], nil),
        ("set -x\nexec /app", [], nil), ("exec -a name /app", [], nil), ("/app &", [], nil),
    ]

    @Test("A shell that only executes one command is known, any other text is left alone", arguments: texts)
    func shellTexts(text: String, arguments: [String], command: [String]?) {
        #expect(PlainCommand(text).arguments(passing: arguments) == command)
    }

    private static func subject(_ sample: Sample, opened: [String] = [], output: [UInt8] = []) async throws
        -> CureSubject
    {
        CureSubject(try await ImageFiles(of: sample.image), openedFiles: opened.map { Array($0.utf8) }) { _ in output }
    }

    @Test("exec-form replaces an entry script in the configuration, and keeps all files")
    func execForm() async throws {
        let script = "#!/bin/sh\nset -e\nexec \"$@\"\n"
        let sample = try Sample(
            [
                glibc() + [
                    program("app", ELFMaker()), program("usr/bin/sh", ELFMaker()),
                    file("entry.sh", script, mode: 0o755),
                ]
            ],
            runs: ["/entry.sh"]
        ) { $0.command = ["/app", "serve"] }
        let subject = try await Self.subject(sample)
        let proposal = try #require(try await ExecForm().proposal(for: subject))
        #expect(proposal.reason == "/entry.sh only executes /app")
        let image = try await sample.image.edited(
            by: proposal.edit, of: subject.files, named: "exec-form", into: sample.workspace.store)
        #expect(image.config.arguments == ["/app", "serve"])
        #expect(image.layers == sample.image.layers)
        #expect(image.config.history.last?.createdBy == "thaw cure exec-form")
        let cured = CureSubject(try await ImageFiles(of: image), openedFiles: [], run: subject.run)
        #expect(try await ExecForm().proposal(for: cured) == nil)
    }

    /// Makes the output of the interpreter for one module.
    private static func compiled(_ path: String, _ content: [UInt8]) -> [UInt8] {
        [Array(path.utf8), content].flatMap { part in
            (0..<4).map { UInt8(truncatingIfNeeded: part.count >> (8 * $0)) } + part
        }
    }

    private static func python() throws -> Sample {
        try Sample(
            [
                glibc() + [
                    program("usr/bin/python3", .program(calling: ["Py_BytesMain"])), file("app/main.py", "import a"),
                    file("app/a.py", "x = 1"), file("app/b.py", "x = 2"),
                ]
            ], runs: ["python3", "/app/main.py"])
    }

    @Test("python-bytecode adds the compiled forms of opened sources, with their owner and time, but not of the script")
    func bytecode() async throws {
        let sample = try Self.python()
        let code = [UInt8](repeating: 7, count: 20)
        let output =
            Self.compiled("/app/__pycache__/a.cpython-311.pyc", code)
            + Self.compiled("/app/__pycache__/b.cpython-311.pyc", code) + Self.compiled("/etc/passwd", code)
            + Self.compiled("/app/__pycache__/a.cpython-311.pyc", [1]) + [255, 255, 255, 255, 0]
        let subject = try await Self.subject(sample, opened: ["/app/a.py", "/app/main.py", "/none.py"], output: output)
        let proposal = try #require(try await PythonBytecodeCure().proposal(for: subject))
        #expect(
            proposal.edit.added.map(\.entry.path.description) == [
                "/app/__pycache__", "/app/__pycache__/a.cpython-311.pyc",
            ])
        #expect(proposal.reason == "the start compiles 1 module each time")
        func edited() async throws -> Image {
            try await sample.image.edited(
                by: proposal.edit, of: subject.files, named: "x", into: sample.workspace.store)
        }
        let image = try await edited()
        let second = try await edited()
        #expect(image.descriptor == second.descriptor)
        let tree = try await image.tree()
        #expect(try image.contents(of: "app/__pycache__/a.cpython-311.pyc", in: tree) == code)
        #expect(try image.contents(of: "app/b.py", in: tree) == Array("x = 2".utf8))
        let none = try await Self.subject(sample, opened: ["/app/main.py"], output: output)
        #expect(try await PythonBytecodeCure().proposal(for: none) == nil)
    }

    /// Makes an ELF file with one segment of 256 bytes and these sections behind it.
    private static func sectioned(_ names: [String], tail: Int = 0) -> [UInt8] {
        let strings = ([""] + names + [".shstrtab"]).reduce(into: [UInt8]()) { $0 += Array($1.utf8) + [0] }
        var bytes = [UInt8](repeating: 0, count: 256)
        func put(_ value: Int, _ offset: Int, _ count: Int) {
            for index in 0..<count { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
        }
        bytes.replaceSubrange(0..<7, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1])
        for (offset, value, count) in [
            (16, 2, 2), (18, 62, 2), (32, 64, 8), (52, 64, 2), (54, 56, 2), (56, 1, 2), (58, 64, 2),
            (60, names.count + 2, 2), (62, names.count + 1, 2), (64, 1, 4), (68, 5, 4), (96, 256, 8), (104, 256, 8),
        ] { put(value, offset, count) }
        let size = 32_768
        bytes += [UInt8](repeating: 1, count: size * names.count) + strings
        put(bytes.count, 40, 8)
        func section(_ name: Int, _ type: Int, _ offset: Int, _ size: Int) {
            let start = bytes.count
            bytes += [UInt8](repeating: 0, count: 64)
            for (place, value, count) in [(0, name, 4), (4, type, 4), (24, offset, 8), (32, size, 8)] {
                put(value, start + place, count)
            }
        }
        section(0, 0, 0, 0)
        var name = 1
        for (index, text) in names.enumerated() {
            section(name, 1, 256 + index * size, size)
            name += text.utf8.count + 1
        }
        section(name, 3, 256 + size * names.count, strings.count)
        return bytes + [UInt8](repeating: 2, count: tail)
    }

    /// Names of sections, bytes behind the file's table, and true if the file is cut.
    static let sections: [([String], Int, Bool)] = [
        ([".symtab", ".strtab"], 0, true), ([".debug_info", ".symtab"], 0, true), ([".symtab", "pydata"], 0, false),
        ([".symtab"], 100, false), ([], 0, false),
    ]

    @Test("debug-sections cuts a file only if everything behind its segments is for debuggers", arguments: sections)
    func debugSections(names: [String], tail: Int, isCut: Bool) async throws {
        let bytes = Self.sectioned(names, tail: tail)
        let sample = try Sample([[file("app", bytes, mode: 0o755), file("b", "x")]], runs: ["/app"])
        let subject = try await Self.subject(sample)
        let proposal = try await DebugSections().proposal(for: subject)
        #expect((proposal != nil) == isCut)
        guard let proposal else { return }
        let image = try await sample.image.edited(
            by: proposal.edit, of: subject.files, named: "x", into: sample.workspace.store)
        let tree = try await image.tree()
        let cut = try #require(try image.contents(of: "app", in: tree))
        var expected = Array(bytes.prefix(256))
        for place in Array(40..<48) + Array(60..<64) { expected[place] = 0 }
        #expect(cut == expected)
        #expect(try image.contents(of: "b", in: tree) == [0x78])
        #expect(tree.inode(at: .known("app"))?.metadata.mode == 0o755)
    }
}
