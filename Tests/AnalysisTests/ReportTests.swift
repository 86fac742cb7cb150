import Linux
import OCI
import Support
import Testing

@testable import Analysis

@Suite("Report")
struct ReportTests {
    private static func report(_ layers: [[Change]], _ edit: (inout ImageConfig) -> Void = { _ in }) async throws
        -> Report
    {
        let workspace = try Workspace()
        return try await Report(of: workspace.image(layers).configured(edit), reference: "app:1")
    }

    private static func keys(_ json: JSON?) -> [String] { (json?.object ?? [:]).keys.sorted() }

    @Test("The JSON document has the keys of its schema")
    func keys() async throws {
        let json = try await Self.report([
            [try file("a", "old"), try file("app/.git-credentials", "https://me:pass@host.example\n")],
            [try file("a", "newer"), try file("b", "newer")],
            [try file("var/lib/dpkg/status", "Package: p\nVersion: 1\nStatus: install ok installed\n")],
        ]).json
        #expect(
            Self.keys(json).filter { $0 != "wastedBytesBySide" } == [
                "allowedSecrets", "base", "duplicates", "efficiency", "findings", "image", "kind", "largestDirectories",
                "largestFiles",
                "layers", "metric", "packages", "schemaVersion",
                "secrets",
                "userWastedPercent", "waste", "wastedBytes",
            ])
        #expect(json["kind"] == .string("analysis"))
        #expect(json["schemaVersion"] == .integer(1))
        #expect(
            Self.keys(json["image"]) == ["compressedSize", "digest", "layerCount", "platform", "reference", "size"])
        let required: [String: Set<String>] = [
            "layers": ["index", "digest", "diffID", "size", "compressedSize", "createdBy", "files"],
            "waste": ["path", "count", "bytes", "layers"], "duplicates": ["digest", "bytes", "paths"],
            "packages": ["manager", "name", "version", "bytes", "layer"],
            "secrets": ["rule", "path", "layer", "line", "deletedLater"],
            "findings": ["id", "severity", "message", "bytes", "layer", "fix"],
        ]
        for (list, names) in required {
            let first = try #require(json[list]?.array?.first, "\(list) is empty")
            #expect(names.isSubset(of: Self.keys(first)), "\(list)")
        }
        #expect(Self.keys(json["layers"]?.array?.first?["files"]) == ["added", "modified", "removed"])
    }

    @Test("The same image gives the same document")
    func stable() async throws {
        let layers: [[Change]] = [
            try (0..<40).map { try file("d/\($0)", "same") },
            [try whiteout("d/7"), try file("d/8", "x", mode: 0o4755)],
        ]
        let (one, other) = (try await Self.report(layers), try await Self.report(layers))
        #expect(one.json.bytes == other.json.bytes)
        #expect(one.text == other.text)
        #expect(one.html == other.html)
    }

    @Test("An empty image has a report")
    func empty() async throws {
        let report = try await Self.report([])
        #expect(report.json["userWastedPercent"] == .number(0))
        #expect(report.json["efficiency"] == .number(1))
        #expect(report.text.contains("0 layers"))
    }

    @Test("No text of an image becomes markup or a terminal's control sequence")
    func hostile() async throws {
        let name = "<script>alert(1)</script>\"'&\u{1B}[31m\u{202E}"
        let hostile = try file("x/\(name.replacing("/", with: "|"))", "secret")
        let report = try await Self.report([[hostile], [try whiteout("x"), hostile]]) { config in
            config.history = [
                History(created: nil, createdBy: "RUN \(name)"),
                History(created: nil, createdBy: "\u{7}<img src=x onerror=y>"),
            ]
            config.environment = ["\(name)_TOKEN=abcdefgh"]
        }
        var page = OptimizationPage(
            title: name, before: .init(report, phases: [.init(name: name, ms: .nan)]), after: nil)
        page.engine = name
        page.reasons = [name: 1]
        page.kept = 1
        page.verdicts = [.init(budget: name, limit: name, measured: name, holds: false)]
        page.findings = report.findings
        for html in [report.html, page.html] {
            // The page has a script of its own.
            #expect(!html.contains("<script>alert"))
            #expect(!html.contains("<img"))
            #expect(html.contains("&lt;script&gt;"))
            #expect(!html.contains("\u{202E}"))
            for loading in ["://", "url(", "@import", "<link", "<iframe"] {
                #expect(!html.contains(loading), "the page loads a resource")
            }
        }
        for text in [report.text, report.html, page.html] {
            #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
        }
    }

    @Test("The text fits 100 columns with names of any length")
    func width() async throws {
        let long = String(repeating: "very-long-name/", count: 30)
        let report = try await Self.report([
            [try file("\(long)a", noise(200_000)), try file("\(long)b", noise(200_000))], [try whiteout("\(long)a")],
        ])
        #expect(report.text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }

    @Test(
        "Each kind of finding appears exactly with its cause",
        arguments: [
            ("apt-lists", "var/lib/apt/lists/x"), ("apt-cache", "var/cache/apt/pkgcache.bin"),
            ("pip-cache", "root/.cache/pip/http/x"),
            ("npm-cache", "root/.npm/_cacache/x"), ("docs", "usr/share/doc/p/README"),
            ("man-pages", "usr/share/man/man1/x.1"),
            ("locales", "usr/share/locale/de/x.mo"), ("git-directory", "app/.git/config"),
            ("headers", "usr/include/stdio.h"),
            ("orphaned-bytecode", "app/__pycache__/gone.cpython-311.pyc"), ("conda-cache", "opt/conda/pkgs/x"),
            ("npm-cache", "root/.bun/install/cache/x"), ("build-cache", "usr/local/cargo/git/x"),
            ("system-cache", "var/cache/pacman/pkg/x"), ("gem-cache", "usr/local/bundle/cache/x.gem"),
            ("composer-cache", "home/me/.composer/cache/x"),
            ("package-manager", "usr/bin/apt-get"),
        ])
    func found(id: String, path: String) async throws {
        let with = try await Self.report([[try file(path, "content of a file")]])
        let without = try await Self.report([[try file("app/data", "content of a file")]])
        #expect(with.findings.contains { $0.id == id })
        #expect(!without.findings.contains { $0.id == id })
    }

    @Test("An applet of BusyBox is no package manager, and one program with two names is one")
    func applets() async throws {
        let busybox = try await Self.report([
            [
                try file("bin/busybox", noise(5000), mode: 0o755), try hardLink("bin/rpm", "bin/busybox"),
                try symlink("sbin/apk", "/bin/busybox"), try hardLink("bin/dpkg", "bin/busybox"),
            ]
        ])
        #expect(!busybox.findings.contains { $0.id == "package-manager" })
        let pip = try await Self.report([
            [try file("usr/bin/pip3", noise(300), mode: 0o755), try symlink("usr/bin/pip", "pip3")]
        ])
        #expect(pip.findings.first { $0.id == "package-manager" }?.bytes == 300)
    }

    @Test("Modules without a compiled form are found where Python is, and not in node_modules")
    func python() async throws {
        let module = try file("app/module.py", "x = 1")
        let gyp = try file("usr/lib/node_modules/npm/node_modules/node-gyp/gyp/x.py", "x = 1")
        let python = try file("usr/bin/python3.12", "elf", mode: 0o755)
        for (files, isFound) in [([module], false), ([module, python], true), ([gyp, python], false)] {
            let report = try await Self.report([files])
            #expect(report.findings.contains { $0.id == "missing-bytecode" } == isFound)
        }
    }

    @Test("Remarks about few bytes are one line of the text, and all are in the document")
    func folded() async throws {
        let report = try await Self.report([
            [try file("usr/share/doc/p/README", "x"), try file("usr/share/man/man1/x.1", "y")]
        ]) { $0.user = "1" }
        #expect(report.text.contains("2 findings save less than 100kB each, 2B in all: docs, man-pages."))
        #expect(!report.text.contains("Fix:") && report.json["findings"]?.array?.count == 2)
    }

    @Test("Licences don't count as documentation")
    func licences() async throws {
        let report = try await Self.report([[try file("usr/share/doc/p/copyright", "free")]])
        #expect(!report.findings.contains { $0.id == "docs" })
    }

    @Test("Permissions and the user are checked")
    func surface() async throws {
        let bad = try await Self.report([
            [try file("s", "x", mode: 0o4755), try file("w", "x", mode: 0o666), try directory("t", mode: 0o1777)]
        ])
        #expect(Set(["setuid", "world-writable", "runs-as-root"]).isSubset(of: Set(bad.findings.map(\.id))))
        #expect(bad.findings.first { $0.id == "world-writable" }?.paths.map(\.description) == ["/w"])
        let good = try await Self.report([[try file("s", "x")]]) { $0.user = "65532" }
        #expect(good.findings.isEmpty)
    }

    @Test("Whiteouts of nothing are found")
    func dangling() async throws {
        let report = try await Self.report([[try file("a", "x")], [try whiteout("nope")]])
        #expect(report.findings.contains { $0.id == "dangling-whiteout" && $0.layer == 1 })
    }
}
