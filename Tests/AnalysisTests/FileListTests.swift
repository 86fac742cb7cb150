import Linux
import OCI
import Support
import Testing

@testable import Analysis

@Suite("File list")
struct FileListTests {
    private static let layers: @Sendable () throws -> [[Change]] = {
        [
            [try file("app/a", noise(100)), try file("app/b", noise(200)), try hardLink("app/c", "app/b")],
            [try whiteout("app/a"), try file("app/b", noise(50)), try symlink("app/s", "b")],
            [try file("lib/x/y", noise(300))],
        ]
    }

    private static func report(_ options: FileReport.FileSelection = .init()) async throws -> FileReport {
        let history = ["COPY app /app", "RUN rm /app/a", "RUN make"].map { History(created: nil, createdBy: $0) }
        let workspace = try Workspace()
        let image = try workspace.image(layers(), history: history)
        return FileReport(of: image, in: try await image.tree(), reference: "app", options)
    }

    /// Returns a row as `path type bytes layer state`.
    private static func lines(_ report: FileReport) -> [String] {
        guard case .files(let rows) = report.rows else { return [] }
        return rows.map { row in
            "\(row.path) \(row.type) \(row.bytes) \(row.layer) \(row.state)"
                + (row.removal.map { " by \($0.layer)" } ?? "")
        }
    }

    @Test("Every name is listed with its layer, and with the layer that hides it")
    func rows() async throws {
        #expect(
            Self.lines(try await Self.report(.init(order: .path))) == [
                "/app/a file 100 0 deleted by 1", "/app/b file 50 1 live", "/app/c file 200 0 live",
                "/app/s symlink 0 1 live", "/lib/x/y file 300 2 live",
            ])
    }

    @Test("The largest come first, and further names of a file have no bytes")
    func order() async throws {
        let workspace = try Workspace()
        let image = try workspace.image([[try file("b", noise(9)), try hardLink("a", "b"), try file("c", noise(8))]])
        let report = FileReport(of: image, in: try await image.tree(), reference: "x", .init())
        #expect(Self.lines(report) == ["/a file 9 0 live", "/c file 8 0 live", "/b link 0 0 live"])
        #expect(Self.lines(try await Self.report()).first == "/lib/x/y file 300 2 live")
    }

    @Test("One layer's list has the files that it ships, also the hidden ones")
    func layer() async throws {
        let lines = Self.lines(try await Self.report(.init(layer: 0)))
        #expect(lines == ["/app/c file 200 0 live", "/app/a file 100 0 deleted by 1"])
    }

    @Test("A depth sums up directories, with visible and hidden bytes apart")
    func depth() async throws {
        guard case .directories(let rows) = try await Self.report(.init(depth: 1)).rows else {
            Issue.record("there are files")
            return
        }
        #expect(rows.map(\.path.description) == ["/", "/lib", "/app"])
        #expect(rows.map(\.bytes) == [550, 300, 250])
        #expect(rows.map(\.hiddenBytes) == [100, 0, 100])
        #expect(rows.map(\.files) == [4, 1, 3])
        #expect(rows.map(\.layers) == [[0, 1, 2], [2], [0, 1]])
    }

    @Test("Each line of NDJSON has the instruction of its layer and of the one that hides it")
    func lines() async throws {
        let lines = try await Self.report(.init(order: .path)).lines
        #expect(lines[0]["createdBy"] == .string("COPY app /app"))
        #expect(lines[0]["hiddenByCommand"] == .string("RUN rm /app/a"))
        #expect(lines[4]["createdBy"] == .string("RUN make") && lines[4]["hiddenBy"] == nil)
    }

    @Test("No name of an image controls the terminal or breaks a row")
    func hostile() async throws {
        let name = "x\u{1B}[2J\nBYTES\u{202E}"
        let workspace = try Workspace()
        let image = try workspace.image(
            [[try file("d/\(name)", "1")]], history: [History(created: nil, createdBy: "RUN \(name)")])
        for depth in [nil, 3] {
            let report = FileReport(of: image, in: try await image.tree(), reference: name, .init(depth: depth))
            #expect(!report.text.unicodeScalars.contains { $0 != "\n" && !$0.isVisible })
            #expect(!report.text.contains("\nBYTES\u{202E}"))
        }
    }

    @Test("The report shows the largest files, and of nested directories the one that says most")
    func largest() async throws {
        let layers = [
            [
                try file("a/b/c/one", noise(1000)), try file("a/b/c/two", noise(900, seed: 3)),
                try file("a/small", noise(10)), try file("z/three", noise(500, seed: 4)),
            ]
        ]
        let workspace = try Workspace()
        let report = try await Report(of: workspace.image(layers), reference: "x")
        #expect(
            report.largestFiles.map(\.path.description) == ["/a/b/c/one", "/a/b/c/two", "/z/three", "/a/small"])
        #expect(report.largestDirectories.map(\.path.description) == ["/a/b/c", "/z"])
        #expect(report.text.contains("Largest files") && report.html.contains("Largest directories"))
    }
}
