import Linux
import OCI
import Support
import Testing

@testable import Analysis

@Suite("History")
struct HistoryTests {
    private static let layers: [[Change]] = [
        [(LayerEntry.testFile("a", 3), Array("abc".utf8))], [(LayerEntry.testFile("b", 2), Array("de".utf8))],
    ]

    private static func line(_ command: String, empty: Bool = false) -> History {
        History(created: "2026-11-24T19:00:00Z", createdBy: command, comment: "c", isEmptyLayer: empty)
    }

    private func history(of image: Image) async throws -> ImageHistory {
        ImageHistory(of: image, in: try await image.tree())
    }

    @Test("Rows are newest first, and each layer has its sizes and digests")
    func rows() async throws {
        let workspace = try Workspace()
        let image = try workspace.image(
            Self.layers, history: [Self.line("ADD a"), Self.line("ENV x=y", empty: true), Self.line("RUN b")])
        let entries = try await history(of: image).entries
        #expect(entries.map(\.createdBy) == ["RUN b", "ENV x=y", "ADD a"])
        #expect(entries.map(\.size) == [2, 0, 3])
        #expect(entries.map(\.isEmptyLayer) == [false, true, false])
        #expect(entries.map(\.digest) == [image.layers[1].descriptor.digest, nil, image.layers[0].descriptor.digest])
        #expect(entries.map(\.compressedSize) == [image.layers[1].descriptor.size, 0, image.layers[0].descriptor.size])
    }

    @Test(
        "Every layer has a row, and no line is lost, with any history",
        arguments: [
            ([], [2, 3]), (["one"], [2, 3]), (["one", "two", "three"], [0, 2, 3]),
        ] as [([String], [Int64])])
    func mismatch(commands: [String], sizes: [Int64]) async throws {
        let workspace = try Workspace()
        let image = try workspace.image(Self.layers, history: commands.map { Self.line($0) })
        let history = try await history(of: image)
        #expect(history.entries.map(\.size) == sizes)
        let report = try await Report(of: image, reference: "x")
        #expect(report.findings.contains { $0.id == "history-mismatch" } == !commands.isEmpty)
    }

    @Test("The JSON rows have the keys of their schema")
    func json() async throws {
        let workspace = try Workspace()
        let image = try workspace.image(Self.layers, history: [Self.line("ADD a"), Self.line("RUN b")])
        let rows = try #require(try await history(of: image).json.array)
        for row in rows {
            #expect(
                row.object?.keys.sorted() == [
                    "comment", "compressedSize", "created", "createdBy", "diffID", "digest", "emptyLayer", "size",
                ])
        }
    }

    @Test(
        "Commands are shown without the additions of builders",
        arguments: [
            ("/bin/sh -c #(nop)  CMD [\"sh\"]", "CMD [\"sh\"]"), ("/bin/sh -c apt-get update", "RUN apt-get update"),
            ("RUN /bin/sh -c make\tall # buildkit", "RUN make all"), ("COPY a b # buildkit", "COPY a b"),
            ("RUN |2 A=1 B=2 /bin/sh -c make # buildkit", "RUN make"), ("RUN |99999999999 x", "RUN"), ("", ""),
        ])
    func commands(raw: String, short: String) {
        #expect(shortCommand(raw) == short)
    }
}

extension LayerEntry {
    fileprivate static func testFile(_ name: StaticString, _ size: Int64) -> LayerEntry {
        LayerEntry(
            ImagePath.root.appending(Array(name.description.utf8)), .add(.file(size: size)), FileMetadata(mode: 0o644))
    }
}
