import Analysis
import Linux
import OCI
import Support
import Testing

@testable import Jobs

/// The forms of `thaw history`.
@Suite struct HistoryTableTests {
    private static func history(tree: Bool = true) async throws -> ImageHistory {
        let long = "RUN " + String(repeating: "x", count: 60) + "\u{1B}[2J"
        let workspace = try Workspace()
        let image = try workspace.image([[file("a", String(repeating: "a", count: 1234))], [file("b", "bb")]])
        let lines = [
            History(created: "1970-01-01T00:00:00Z", createdBy: "ADD a", comment: "c"),
            History(created: "1970-01-01T00:00:10Z", createdBy: "ENV x\ty", isEmptyLayer: true),
            History(created: nil, createdBy: long),
        ]
        let edited = image.replacingLayers(image.layers, history: lines)
        return tree ? ImageHistory(of: edited, in: try await edited.tree()) : ImageHistory(of: edited)
    }

    private static func table(human: Bool = true, truncated: Bool = true) async throws -> HistoryTable {
        HistoryTable(try await history(), isHuman: human, isTruncated: truncated, now: 3 * 86_400)
    }

    @Test("The table has Docker's columns and the compressed size")
    func columns() async throws {
        let table = try await Self.table()
        let lines = try table.text(nil).split(separator: "\n")
        #expect(
            lines[0].split(separator: " ").joined(separator: " ")
                == "IMAGE CREATED CREATED BY SIZE COMPRESSED COMMENT")
        #expect(lines[1].hasPrefix(table.history.imageID.hex.prefix(12)) && lines[1].contains("N/A"))
        #expect(lines[2].hasPrefix("<missing>") && lines[2].contains("ENV x y") && lines[2].contains("0B"))
        #expect(lines[3].contains("3 days ago") && lines[3].contains("1.2kB") && lines[3].hasSuffix("c"))
    }

    @Test("Without human form sizes are bytes and times are as written; noTrunc keeps the command")
    func options() async throws {
        let text = try await Self.table(human: false, truncated: false).text(nil)
        #expect(text.contains("1970-01-01T00:00:00Z") && text.contains("1234") && text.contains("CREATED AT"))
        #expect(text.contains(String(repeating: "x", count: 60)) && text.contains("sha256:"))
        #expect(!text.contains("\u{1B}"))
        #expect(try await !Self.table().text(nil).contains(String(repeating: "x", count: 45)))
    }

    @Test("-q prints the ID of the image, and no ID for older steps")
    func quiet() async throws {
        let table = try await Self.table()
        #expect(table.identifiers == "\(table.history.imageID.hex.prefix(12))\n<missing>\n<missing>\n")
    }

    @Test("A template prints the fields that Docker has")
    func template() async throws {
        let text = try await Self.table().text(Template("{{.ID}} {{.CreatedBy}} {{.Size}}"))
        #expect(text.hasSuffix("<missing> ENV x y 0B\n<missing> ADD a 1.2kB\n"))
    }

    @Test("Without layers the unpacked sizes are unknown, and the compressed ones are there")
    func remote() async throws {
        let history = try await Self.history(tree: false)
        #expect(history.entries.map(\.size) == [nil, 0, nil] && history.entries[0].compressedSize > 0)
        #expect(history.json.array?.first?["size"] == .null)
        let table = HistoryTable(history, isHuman: true, isTruncated: true, now: 0)
        #expect(try table.text(Template("{{.Size}}")) == "-\n0B\n-\n")
    }

    @Test(
        "Ages have Docker's words",
        arguments: [
            (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"), (120, "2 minutes"),
            (3600, "About an hour"), (7200, "2 hours"), (48 * 3600, "2 days"), (14 * 86_400, "2 weeks"),
            (60 * 86_400, "2 months"), (730 * 86_400, "2 years"), (-5, "Less than a second"),
        ] as [(Int64, String)])
    func ages(seconds: Int64, text: String) {
        #expect(HistoryTable.age(seconds) == text)
    }
}
