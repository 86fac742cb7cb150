import ImageFiles
import Linux
import OCI
import Slim
import Support
import Testing

/// The layers of a slim image.
@Suite("The layers of a slim image") struct LayerTests {
    private static let large: [UInt8] = Array(repeating: 7, count: 100_000)

    /// A base of one large program and little documentation, and two layers above it.
    private static func sample(documentation: Int) throws -> Sample {
        try Sample(
            [
                [
                    program("base/run", ELFMaker()), file("base/data", large), file("base/old", "old"),
                    file("base/gone/x", "x"),
                    file("usr/share/doc/a", [UInt8](repeating: 1, count: documentation)),
                ],
                [
                    file("app/lib", "lib"), whiteout("base/gone"), file("base/old", "new"),
                    hardLink("app/link", "base/data"),
                ], [file("usr/share/doc/b", large), file("app/top", "top")],
            ], runs: ["/base/run"]
        ) {
            $0.history = [
                History(created: nil, createdBy: "base"), History(created: nil, createdBy: "app"),
                History(created: nil, createdBy: "top"),
            ]
        }
    }

    /// Choices, bytes of documentation in the base, and the number of untouched layers.
    static let choices: [(SlimLayers, Int, Int)] = [
        (.flat, 0, 0), (.auto, 100, 2), (.auto, 50_000, 0), (.keep(1), 50_000, 1), (.keep(0), 0, 0),
    ]

    @Test("Layers stay untouched if they cost little or are requested, and the files are the same", arguments: choices)
    func untouched(layers: SlimLayers, documentation: Int, count: Int) async throws {
        let sample = try Self.sample(documentation: documentation)
        var options = SlimOptions()
        options.layers = layers
        let (slim, after, plan) = try await sample.slimmed(options)
        #expect(plan.keptLayerCount == count)
        #expect(slim.layers.count == count + 1)
        #expect(Array(slim.layers.prefix(count)) == Array(sample.image.layers.prefix(count)))
        #expect(slim.config.history.map(\.createdBy).dropLast() == ["base", "app"].prefix(count))
        let names = ["base/run", "base/data", "base/old", "app/lib", "app/link", "app/top"]
        for name in names { #expect(after.tree.inode(at: .known(name)) != nil, "\(name)") }
        #expect(after.tree.node(at: .known("base/gone")) == nil)
        #expect((after.tree.node(at: .known("usr/share/doc/a")) == nil) == (count == 0))
        #expect(after.tree.node(at: .known("usr/share/doc/b")) == nil)
        #expect(try slim.contents(of: "base/old", in: after.tree) == Array("new".utf8))
    }

    @Test("An excluded file's layer is written anew")
    func excluded() async throws {
        let sample = try Self.sample(documentation: 0)
        var options = SlimOptions(exclude: [try ImagePathPattern("/app/lib")])
        options.layers = .auto
        #expect(try await sample.plan(options).keptLayerCount == 1)
    }

    @Test("twice: Nothing changes an image of several layers that is slim")
    func twice() async throws {
        var options = SlimOptions()
        options.layers = .auto
        let (_, after, plan) = try await Self.sample(documentation: 100).slimmed(options)
        #expect(!plan.changesNothing)
        let again = try SlimPlan(after, options: options)
        #expect(again.keptLayerCount == 2 && again.changesNothing)
    }
}
