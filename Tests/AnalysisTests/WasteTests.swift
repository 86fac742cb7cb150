import ImageFiles
import OCI
import Support
import Testing

@testable import Analysis

/// One of the twelve vectors of the reference: a base of one file of 1,000 bytes, and layers above it.
struct WasteVector: CustomTestStringConvertible, Sendable {
    let name: String
    let wasted: Int64
    let efficiency: String
    var duplicated: Int64 = 0
    var kinds: [Waste.Kind] = []
    let layers: @Sendable () throws -> [[Change]]

    var testDescription: String { name }

    static let big = noise(10 << 20)

    static let all = [
        WasteVector(name: "rmfile", wasted: 10_485_760, efficiency: "0.000095", kinds: [.deletedLater]) {
            [[try file("big", big)], [try whiteout("big")]]
        },
        WasteVector(name: "rmdir", wasted: 10_485_765, efficiency: "0.000095", kinds: [.deletedLater, .deletedLater]) {
            [[try directory("d"), try file("d/big", big), try file("d/small", "small")], [try whiteout("d")]]
        },
        WasteVector(name: "opaque", wasted: 10_485_760, efficiency: "0.000095", kinds: [.deletedLater]) {
            [
                [try directory("d"), try file("d/big", big)],
                [try directory("d"), try opaque("d"), try file("d/n", "n")],
            ]
        },
        WasteVector(name: "dangling", wasted: 10_485_760, efficiency: "0.500024", kinds: [.metadataOnly]) {
            [[try file("big", big), try whiteout("nope")], [try file("big", big), try whiteout("nope")]]
        },
        WasteVector(name: "chmod", wasted: 10_485_760, efficiency: "0.500024", kinds: [.metadataOnly]) {
            [[try file("big", big)], [try file("big", big, mode: 0o755)]]
        },
        WasteVector(name: "shrink", wasted: 10_485_760, efficiency: "0.000096", kinds: [.rewritten]) {
            [[try file("a", big)], [try file("a", "0123456789")]]
        },
        WasteVector(name: "grow", wasted: 10, efficiency: "0.999999", kinds: [.rewritten]) {
            [[try file("a", "0123456789")], [try file("a", big)]]
        },
        WasteVector(name: "mv", wasted: 10_485_760, efficiency: "0.500024", kinds: [.moved]) {
            [[try file("a", big)], [try whiteout("a"), try file("b", big)]]
        },
        WasteVector(name: "dup", wasted: 0, efficiency: "1.000000", duplicated: 10_485_760) {
            [[try file("a", big)], [try file("b", big)]]
        },
        WasteVector(name: "hardlink", wasted: 0, efficiency: "1.000000") {
            [[try file("a", big), try hardLink("b", "a")]]
        },
        WasteVector(name: "hlcross", wasted: 0, efficiency: "1.000000", duplicated: 10_485_760) {
            [[try file("a", big), try hardLink("b", "a")], [try file("a", big, mode: 0o600)]]
        },
        WasteVector(name: "single layer", wasted: 0, efficiency: "1.000000") { [] },
    ]
}

@Suite("Waste")
struct WasteTests {
    @Test(
        "The twelve vectors have exactly the waste and efficiency of the reference",
        arguments: WasteVector.all)
    func vector(_ vector: WasteVector) async throws {
        let workspace = try Workspace()
        let layers = try vector.layers()
        let image = try workspace.image([[try file("base", noise(1000, seed: 7))]] + layers)
        let tree = try await image.tree(contents: true)
        let waste = Waste(of: tree)
        #expect(waste.wastedBytes == vector.wasted)
        #expect(decimal(waste.efficiency, digits: 6) == vector.efficiency)
        #expect(waste.items.flatMap(\.copies).map(\.kind) == vector.kinds)
        #expect(Duplicate.all(in: tree, LiveFiles(tree)).reduce(0) { $0 + $1.bytes } == vector.duplicated)
        let user = layers.joined().reduce(Int64(0)) { $0 + $1.0.size }
        #expect(waste.userBytes == user)
        #expect(waste.userWastedPercent == (user == 0 ? 0 : Double(vector.wasted) / Double(user)))
    }

    @Test("An image without layers wastes nothing")
    func scratch() async throws {
        let workspace = try Workspace()
        let waste = Waste(of: try await workspace.image([]).tree(contents: true))
        #expect(waste.efficiency == 1)
        #expect(waste.userWastedPercent == 0)
        #expect(waste.items.isEmpty)
    }

    @Test("Hidden bytes of the base count as the base's")
    func sides() async throws {
        let workspace = try Workspace()
        let image = try workspace.image([
            [try file("a", noise(500)), try file("b", noise(70))],
            [try whiteout("a"), try file("c", noise(30, seed: 3))],
            [try whiteout("c")],
        ])
        let waste = Waste(of: try await image.tree(contents: true))
        #expect(waste.wastedBytes(inLowest: 1) == 500)
        #expect(waste.wastedBytes - waste.wastedBytes(inLowest: 1) == 30)
        #expect(waste.items.map(\.path.description) == ["/a", "/c"])
        #expect(waste.items.map(\.layers) == [[0, 1], [1, 2]])
    }

    @Test("Layers that only hide the base waste all of the user's bytes, and the share is a valid number")
    func onlyWhiteouts() async throws {
        let workspace = try Workspace()
        let image = try workspace.image([[try file("a", noise(500))], [try whiteout("a")]])
        #expect(Waste(of: try await image.tree(contents: true)).userWastedPercent == 1)
    }

    @Test("A path that is in a tar twice is shipped twice")
    func twiceInOneLayer() async throws {
        let workspace = try Workspace()
        let image = try workspace.image([[try file("a", "first"), try file("a", "second")]])
        let waste = Waste(of: try await image.tree(contents: true))
        #expect(waste.wastedBytes == 5)
        #expect(
            waste.items.first?.copies == [
                Waste.WastedCopy(layer: 0, hiddenBy: 0, kind: .rewritten, bytes: 5, compressedBytes: nil)
            ])
    }

    @Test("A file that replaces a directory deletes the directory's files")
    func fileOverDirectory() async throws {
        let workspace = try Workspace()
        let image = try workspace.image([[try file("d/x", "12345")], [try file("d", "")]])
        let waste = Waste(of: try await image.tree(contents: true))
        #expect(
            waste.items.first?.copies == [
                Waste.WastedCopy(layer: 0, hiddenBy: 1, kind: .deletedLater, bytes: 5, compressedBytes: nil)
            ])
    }
}
