import Linux
import OCI
import Support
import Testing

@testable import Analysis

/// The figures of dive 0.13.1, which were measured with it; `DiveTests` compare with an installed one.
@Suite("dive's metric")
struct DiveMetricTests {
    /// A name, the layers above a base of 1,000 bytes, and dive's efficiency and wasted bytes.
    static let cases: [(name: String, layers: @Sendable () throws -> [[Change]], efficiency: String, wasted: Int64)] = [
        ("rmfile", { [[try file("big", "123456789")], [try whiteout("big")]] }, "0.991080", 9),
        (
            "rmdir",
            { [[try directory("d"), try file("d/big", "12345"), try file("d/small", "1")], [try whiteout("d")]] },
            "1.000000", 0
        ),
        (
            "opaque",
            {
                [
                    [try directory("d"), try file("d/a", "1")],
                    [try directory("d"), try opaque("d"), try file("d/n", "n")],
                ]
            },
            "1.000000", 0
        ),
        (
            "dangling",
            { [[try file("big", "12"), try whiteout("nope")], [try file("big", "12"), try whiteout("nope")]] },
            "0.999000", 0
        ),
        (
            "dangling in a directory",
            {
                [
                    [
                        try directory("d"), try file("d/a", "12"), try whiteout("d/nope"), try file("d/z", "33"),
                        try file("e", "4444"), try file("a", "55555"),
                    ],
                    [
                        try directory("d"), try file("d/a", "1"), try file("d/z", "3"), try file("e", "4"),
                        try file("a", "5"),
                    ],
                ]
            }, "0.994054", 6
        ),
        ("grow", { [[try file("a", "12")], [try file("a", "1234")]] }, "0.996024", 6),
        ("hard link", { [[try file("a", "12"), try hardLink("b", "a")], [try file("a", "12")]] }, "0.998008", 4),
        ("empty directory", { [[try directory("d")], [try directory("d")]] }, "1.000000", 0),
        (
            "file over directory", { [[try directory("d"), try file("d/f", "123")], [try file("d", "1234567")]] },
            "1.000000", 0
        ),
        (
            "directory removed twice",
            {
                [
                    [try directory("d"), try file("d/f", "123"), try directory("d/e"), try file("d/e/g", "4567")],
                    [try whiteout("d")], [try directory("d"), try file("d/f", "89")], [try whiteout("d")],
                ]
            }, "0.990177", 14
        ),
        ("one layer", { [] }, "1.000000", 0),
    ]

    @Test("Each case has the efficiency and the wasted bytes of dive", arguments: cases.indices)
    func vectors(index: Int) async throws {
        let expected = Self.cases[index]
        let workspace = try Workspace()
        let image = try workspace.image([[try file("base", noise(1000))]] + expected.layers())
        let metric = DiveMetric(try image.layers.map { try workspace.store.entries(of: $0, in: image) })
        #expect(decimal(metric.efficiency, digits: 6) == expected.efficiency, "\(expected.name)")
        #expect(metric.wastedBytes == expected.wasted, "\(expected.name)")
        var report = try await Report(of: image, reference: "x")
        report.dive = metric
        #expect(report.json["wastedBytes"] == .integer(expected.wasted) && report.json["metric"] == .string("dive"))
        #expect(report.json["inefficientFiles"]?.array?.count == metric.items.count)
    }
}
