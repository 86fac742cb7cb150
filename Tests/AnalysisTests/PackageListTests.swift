import ImageFiles
import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Analysis

@Suite("Packages of languages")
struct PackageListTests {
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    private func packages(_ changes: [Change]) async throws -> [Package] {
        try await Report(of: workspace.image([changes]), reference: "app").packages
    }

    @Test(
        "Each list of packages is read, with its license",
        arguments: [
            (
                "s/a-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: a\nVersion: 1\nLicense: MIT\n\nName: no\n",
                "python a 1 MIT"
            ),
            ("s/a.egg-info/PKG-INFO", "Name: a\nVersion: 1\nLicense: UNKNOWN\n", "python a 1 -"),
            ("s/a-1.egg-info", "Name: a\nVersion: 1\nLicense-Expression: BSD-3-Clause\n", "python a 1 BSD-3-Clause"),
            (
                "opt/conda/conda-meta/a-1-0.json", #"{"name":"a","version":"1","license":"BSD","size":7}"#,
                "conda a 1 BSD"
            ),
            (
                "g/specifications/a-1.gemspec",
                "Gem::Specification.new do |s|\n  s.name = \"a\".freeze\n  s.version = \"1\"\n"
                    + "  s.licenses = [\"MIT\".freeze]\nend\n",
                "gem a 1 MIT"
            ),
            (
                "app/vendor/composer/installed.json",
                #"{"packages":[{"name":"v/a","version":"1","license":["MIT","GPL-2.0"]}]}"#,
                "composer v/a 1 MIT OR GPL-2.0"
            ),
            (
                "app/package-lock.json",
                #"{"packages":{"":{"name":"x","version":"0"},"node_modules/b/node_modules/@s/a":{"version":"1","license":"ISC"}}}"#,
                "npm @s/a 1 ISC"
            ),
            ("app/package-lock.json", #"{"dependencies":{"a":{"version":"1"}}}"#, "npm a 1 -"),
            ("app/x.deps.json", #"{"libraries":{"a/1":{"type":"package"},"x/0":{"type":"project"}}}"#, "nuget a 1 -"),
            ("app/node_modules/a/package.json", #"{"name":"a","version":"1","license":{"type":"MIT"}}"#, "npm a 1 MIT"),
            ("lib/apk/db/installed", "P:a\nV:1\nL:GPL-2.0-only\n\n", "apk a 1 GPL-2.0-only"),
        ])
    func list(path: String, text: String, package: String) async throws {
        let found = try await packages([try file(path, text)])
        #expect(found.map { "\($0.manager) \($0.name) \($0.version) \($0.license ?? "-")" } == [package])
        for count in stride(from: 0, to: text.utf8.count, by: 5) {
            #expect(try await packages([try file(path, Array(text.utf8.prefix(count)))]).count <= 1)
        }
    }

    @Test("A wheel with a list of its files is one package with bytes and license")
    func wheel() async throws {
        let found = try await packages([
            try file("s/a-1.dist-info/METADATA", "Name: a\nVersion: 1\nLicense: MIT\n"),
            try file("s/a-1.dist-info/RECORD", "a.py,,\n"), try file("s/a.py", "12345"),
        ])
        #expect(found == [Package(manager: .python, name: "a", version: "1", bytes: 5, layer: 0, license: "MIT")])
    }

    @Test("A lock file adds only what is not installed")
    func lock() async throws {
        let lock = #"{"packages":{"node_modules/a":{"version":"1"},"node_modules/b":{"version":"2"}}}"#
        let found = try await packages([
            try file("app/package-lock.json", lock),
            try file("app/node_modules/a/package.json", #"{"name":"a","version":"1"}"#),
        ])
        #expect(found.map { "\($0.name) \($0.version)" } == ["a 1", "b 2"])
    }

    /// A program as Go's linker writes it: a mark, the rest of its 32 bytes, and two strings with their lengths.
    private static func program(_ modules: String, noise count: Int) -> [UInt8] {
        let mark = [0xff] + Array(" Go buildinf:".utf8)
        let fence = [UInt8](repeating: 0x30, count: 16)
        let text = fence + Array(modules.utf8) + fence
        let length = [UInt8(text.count & 0x7f | 0x80), UInt8(text.count >> 7)]
        let header = mark + [8, 2] + [UInt8](repeating: 0, count: 32 - mark.count - 2)
        let version = Array("go1.22.1 X:none".utf8)
        // The mark alone is in every program that reads build information.
        let before = Array("\u{7f}ELF".utf8) + mark + noise(count, seed: 3)
        return before + header + [UInt8(version.count)] + version + length + text + noise(300_000, seed: 4)
    }

    @Test(
        "The modules of a Go program are found wherever they are", arguments: [0, 100_000, 262_100, 262_130, 262_144])
    func goProgram(offset: Int) async throws {
        let modules = """
            path\texample.com/app
            mod\texample.com/app\tv1.2.3\th1:x
            dep\tgolang.org/x/net\tv0.1.0\th1:x
            dep\texample.com/old\tv1.0.0
            =>\texample.com/new\tv1.0.1\th1:x
            build\t-compiler=gc

            """
        let program = Self.program(modules, noise: offset)
        let found = try await packages([try file("app", program, mode: 0o755)])
        #expect(
            found.map { "\($0.manager) \($0.name) \($0.version)" } == [
                "go example.com/app v1.2.3", "go example.com/new v1.0.1", "go golang.org/x/net v0.1.0",
                "go stdlib 1.22.1",
            ])
        #expect(found.first?.bytes == Int64(program.count))
    }

    /// Appends a number of `count` bytes, lowest first.
    private static func add(_ value: Int, _ count: Int, to bytes: inout [UInt8]) {
        var rest = value
        for _ in 0..<count {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
    }

    /// A zip without compression.
    private static func zip(_ files: [(name: String, content: [UInt8])]) -> [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for (name, content) in files {
            var common: [UInt8] = []
            add(20, 2, to: &common)
            add(0, 8, to: &common)
            add(Int(crc(content)), 4, to: &common)
            add(content.count, 4, to: &common)
            add(content.count, 4, to: &common)
            add(name.utf8.count, 4, to: &common)
            directory.append(contentsOf: [0x50, 0x4b, 1, 2, 20, 0])
            directory.append(contentsOf: common)
            add(0, 10, to: &directory)
            add(bytes.count, 4, to: &directory)
            directory.append(contentsOf: name.utf8)
            bytes.append(contentsOf: [0x50, 0x4b, 3, 4])
            bytes.append(contentsOf: common)
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: content)
        }
        let start = bytes.count
        bytes.append(contentsOf: directory)
        bytes.append(contentsOf: [0x50, 0x4b, 5, 6, 0, 0, 0, 0])
        add(files.count, 2, to: &bytes)
        add(files.count, 2, to: &bytes)
        add(directory.count, 4, to: &bytes)
        add(start, 4, to: &bytes)
        add(0, 2, to: &bytes)
        return bytes
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB8_8320 }
        }
        return ~crc
    }

    @Test("Jars are named by Maven, by their manifests or by their files, also inside of a war")
    func jars() async throws {
        let maven = Self.zip([
            ("META-INF/MANIFEST.MF", Array("Manifest-Version: 1.0\r\n".utf8)),
            ("META-INF/maven/org.a/b/pom.properties", Array("version=2\ngroupId=org.a\nartifactId=b\n".utf8)),
        ])
        let manifest = Array(
            "Implementation-Version: 1.\r\n 5\r\nBundle-License: MIT\r\nImplementation-Vendor-Id: org.c\r\n".utf8)
        let plain = Self.zip([("META-INF/MANIFEST.MF", manifest), ("x.class", [1, 2, 3])])
        let war = Self.zip([
            ("WEB-INF/lib/b.jar", maven), ("WEB-INF/lib/plain.jar", plain),
            ("WEB-INF/lib/d-e-3.1-rc1.jar", Self.zip([])),
        ])
        let found = try await packages([
            try file("srv/app.war", war), try file("srv/broken.jar", Array(war.prefix(70))),
        ])
        #expect(
            found.map { "\($0.name) \($0.version) \($0.license ?? "-")" } == [
                "d-e 3.1-rc1 -", "org.a/b 2 -", "org.c/plain 1.5 MIT",
            ])
    }
}
