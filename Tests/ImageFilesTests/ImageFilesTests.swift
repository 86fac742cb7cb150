import ImageFiles
import Linux
import OCI
import Support
import Synchronization
import Testing

@Suite("The files of an image")
struct ImageFilesTests {
    /// A source that counts the openings of each blob.
    private final class CountingSource: BlobSource {
        private let source: any BlobSource
        private let counts = Mutex<[Digest: Int]>([:])

        init(_ source: any BlobSource) { self.source = source }

        func open(_ blob: Descriptor) throws -> any ByteSource {
            counts.withLock { $0[blob.digest, default: 0] += 1 }
            return try source.open(blob)
        }

        func count(of layer: Layer) -> Int { counts.withLock { $0[layer.descriptor.digest] ?? 0 } }
    }

    @Test("All facts come from one pass over the layers")
    func onePass() async throws {
        let workspace = try Workspace()
        let made = try workspace.image([
            [
                file("bin/run", ELFMaker.program(needs: ["liba.so"]).bytes, mode: 0o755),
                file("etc/passwd", "app:x:7:8::/srv\n"), file("old", "gone"),
                file("var/lib/dpkg/status", "Package: a\nVersion: 1\n"),
            ],
            [
                file("go", "#!/bin/sh\nrun x\n", mode: 0o755), whiteout("old"), file("empty", ""),
                file("a/__pycache__/b.cpython-311.pyc", "0123456789abcdefghij"),
                file("n/node_modules/m/package.json", #"{"name":"m","version":"2"}"#),
                file("var/lib/dpkg/status", "Package: a\nVersion: 2\n"),
            ],
        ])
        let source = CountingSource(workspace.store)
        let image = try Image(manifest: workspace.store.publish(made, as: nil), in: source)
        let search = TextSearch(identity: "r") { _, _ in Scan() }
        let files = try await ImageFiles(of: image, search: search)
        #expect(image.layers.map { source.count(of: $0) } == [1, 1])

        let tree = files.tree
        func id(_ path: String) throws -> Int {
            try #require(tree.node(at: ImagePath(path)).map { tree[node: $0].inode })
        }
        #expect(files.elf.count == 1)
        #expect(try files.elf[id("bin/run")]?.needed == [Array("liba.so".utf8)])
        #expect(try files.scripts[id("go")]?.interpreter == Array("/bin/sh".utf8))
        #expect(try files.bytecode[id("a/__pycache__/b.cpython-311.pyc")] == Array("0123456789abcdef".utf8))
        #expect(files.npm.values.map(\.version) == ["2"])
        #expect(try files.accounts.account(of: Array("app".utf8)).gid == 8)
        #expect(try files.digest(of: id("empty")) == Digest(of: []))
        #expect(files.text(at: try ImagePath("var/lib/dpkg/status")) == Array("Package: a\nVersion: 2\n".utf8))
        // The status of the lower layer, and the match in a deleted file.
        #expect(files.texts.values.contains(Array("Package: a\nVersion: 1\n".utf8)))
        #expect(files.matches.values.flatMap(\.self) == [TextSearch.Match(rule: "r", line: 1)])
    }

    @Test("A configuration file behind a link is read too")
    func links() async throws {
        let workspace = try Workspace()
        let image = try workspace.image([
            [
                symlink("etc", "real"), file("real/passwd", "app:x:7:8\n"), symlink("real/group", "../g"),
                file("g", "a:x:3\n"),
            ]
        ])
        let files = try await ImageFiles(of: image)
        #expect(try files.accounts.account(of: Array("app:a".utf8)) == Account(uid: 7, gid: 3))
    }

    @Test("A large ELF file has the same facts as in memory")
    func large() async throws {
        var maker = ELFMaker.program(needs: ["liba.so"])
        maker.texts = ["libfirst.so", String(repeating: "x ", count: 3 << 20), "libfar.so.1"]
        let workspace = try Workspace()
        let files = try await ImageFiles(of: workspace.image([[file("big", maker.bytes, mode: 0o755)]]))
        let elf = try #require(files.elf.values.first)
        #expect(try elf == ELF(maker.bytes))
        #expect(elf.libraryTexts.suffix(2) == [Array("libfirst.so".utf8), Array("libfar.so.1".utf8)])
    }

    @Test("Texts of more than the limit are refused with the layer's name")
    func limits() async throws {
        let workspace = try Workspace()
        let list = [UInt8](repeating: 0x0a, count: 60 << 20)
        let image = try workspace.image([try (0..<5).map { try file("var/lib/dpkg/info/p\($0).list", list) }])
        await #expect { try await ImageFiles(of: image) } throws: { "\($0)".contains("package databases") }
    }
}

@Suite("Compiled Python")
struct PythonBytecodeTests {
    @Test(
        "The source of a compiled form follows from its name",
        arguments: [
            ("a/__pycache__/b.cpython-311.pyc", "a/b.py"), ("a/__pycache__/b.cpython-311.opt-2.pyc", "a/b.py"),
            ("__pycache__/b.pypy39.pyc", "b.py"), ("a/__pycache__/b.c.cpython-311.pyc", "a/b.c.py"),
            ("a/__pycache__/opt-1.cpython-311.pyc", "a/opt-1.py"),
            ("a/__pycache__/b.pyc", nil), ("a/b.cpython-311.pyc", nil), ("a/__pycache__/.cpython-311.pyc", nil),
            ("a/__pycache__/b.cpython-311.py", nil),
        ])
    func source(path: String, expected: String?) throws {
        #expect(try PythonBytecode.source(of: ImagePath(path)) == expected.map { try ImagePath($0) })
    }
}

@Suite("Package databases")
struct PackageRowTests {
    @Test("dpkg's rows have names, relations and sizes; packages that are not installed are left out")
    func dpkg() {
        let rows = PackageRow.dpkg(
            Array(
                """
                Package: a
                Status: install ok installed
                Priority: required
                Installed-Size: 3
                Depends: b (>= 1) | c:any, d
                Pre-Depends: e
                Provides: f (= 2), g
                Description: x
                 Package: none

                Package: gone
                Status: deinstall ok config-files

                """.utf8))
        #expect(rows.map(\.name) == ["a"])
        #expect(rows[0].dependencies == [["e"], ["b", "c"], ["d"]])
        #expect(rows[0].provides == ["f", "g"] && rows[0].byteCount == 3072 && rows[0].isBase)
    }

    @Test("apk's rows have the paths of their files")
    func apk() {
        let rows = PackageRow.apk(Array("P:m\nV:1\nI:5\nD:so:libc.so>1 n\np:q=1\nF:usr/bin\nR:m\nZ:x\n\nP:n\n".utf8))
        #expect(rows.map(\.name) == ["m", "n"])
        #expect(rows[0].paths.map(\.text) == ["usr/bin", "usr/bin/m"])
        #expect(rows[0].dependencies == [["so:libc.so"], ["n"]] && rows[0].provides == ["q"])
    }
}

/// A search for files that begin with "gone".
private struct Scan: ContentScan {
    var bytes: [UInt8] = []
    mutating func receive(_ chunk: ArraySlice<UInt8>) { bytes += chunk }
    mutating func finish() -> [TextSearch.Match] {
        bytes.hasPrefix("gone") ? [TextSearch.Match(rule: "r", line: 1)] : []
    }
}
