import ImageFiles
import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Analysis

@Suite("The explorer of the report page")
struct FileMapTests {
    private let workspace: Workspace

    init() throws { workspace = try Workspace() }

    @Test("The list has every visible file with its layer and package, and hidden bytes also of deleted files")
    func lines() async throws {
        let image = try workspace.image([
            [
                file("a/x", "12345"), file("a/gone", "1234"), file("b", "1"), hardLink("c", "b"),
                file("var/lib/dpkg/status", "Package: p\nVersion: 1\nStatus: install ok installed\n"),
                file("var/lib/dpkg/info/p.list", "/a/x\n"),
            ],
            [file("a/x", "123"), whiteout("a/gone"), file("\u{1B}]0;<script>\t\n", "")],
        ])
        let report = try await Report(of: image, reference: "app")
        let map = FileMap(report.tree, report.waste, owners: report.owners)
        #expect(
            map.lines.filter { !$0.contains("status") && !$0.contains("p.list") } == [
                "f\\u{1b}]0;<script>  \t0\t1\t0", "fb\t1\t0\t0", "fc\t0\t0\t0", "da", "fgone\t0\t0\t4",
                "fx\t3\t1\t5\t0",
                "u", "dvar", "dlib", "ddpkg", "dinfo", "u", "u", "u", "u",
            ])
    }

    @Test("A name can end neither the data nor the script, and the policy allows only the page's script")
    func escapes() async throws {
        let image = try workspace.image([[file("</script><script>alert(1)</script>", "x"), file("<!--", "y")]])
            .replacingHistory(with: "RUN </script><img src=x onerror=alert(2)>")
        let html = try await Report(of: image, reference: "<b>app</b>").html
        #expect(html.ranges(of: "<script").count == 2 && html.ranges(of: "</script>").count == 2)
        #expect(!html.contains("<img") && !html.contains("<b>app") && !html.contains("http://"))
        #expect(html.contains("default-src 'none'; script-src 'sha256-"))
    }

    @Test("The page of 100,000 files has less than 2 MB")
    func large() async throws {
        var changes: [Change] = []
        for directory in 0..<1000 {
            for number in 0..<100 {
                let name =
                    "usr/lib/python3/site-packages/package_\(directory)/module_\(number * 7919 % 1000)_\(directory).py"
                changes.append(try file(name, ""))
            }
        }
        let image = try workspace.image([changes])
        let report = try await Report(of: image, reference: "app")
        #expect(report.html.utf8.count < 2_000_000)
        #expect(FileMap(report.tree, report.waste, owners: [:]).lines.count > 100_000)
    }
}

extension Image {
    fileprivate func replacingHistory(with command: String) -> Image {
        replacingLayers(layers, history: [History(created: nil, createdBy: command)])
    }
}
