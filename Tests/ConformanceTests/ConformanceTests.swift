import Build
import Glibc
import Harness
import OCI
import Testing

/// The builds of small Dockerfiles with expected results: `fixtures/conformance`, written by hand from the reference.
@Suite("Results of Dockerfiles", .enabled(if: geteuid() == 0, "RUN, device nodes and owners need root"))
struct ConformanceTests {
    @Test("There are as many examples as README promises, and each has all its sections")
    func complete() throws {
        let all = try Example.all.get()
        #expect(Example.images.count >= 150)
        #expect(Example.failures.count >= 25)
        #expect(Set(all.map(\.name)).count == all.count)
        for example in all {
            let titles = example.sections.map(\.title)
            #expect(Set(titles).count == titles.count, "\(example.name)")
            #expect(example["Dockerfile"] != nil, "\(example.name)")
            let isWhole = example.isOverBase != (example["tree"] != nil) && example["history"] != nil
            #expect(example.fails || isWhole, "\(example.name)")
            let known: Set = [
                "context", "Dockerfile", "options", "tree", "tree over base", "config", "history", "last layer",
                "fails",
            ]
            for title in titles where !known.contains(title) {
                #expect(title.firstMatch(of: /^(file|image|archive) [^ ]+$/) != nil, "\(example.name): \(title)")
            }
        }
    }

    @Test("The image has the files, settings and history of the example", arguments: Example.images)
    func image(example: Example) async throws {
        let fixture = try await BuildFixture.shared.value
        let image = try await fixture.build(example).image
        try fixture.store.publish(image, as: Reference(Peers.name(of: example)))
        let tree = try await image.validate()
        let wanted = try Listing(
            parsing: example["tree"] ?? example["tree over base"] ?? [],
            over: example.isOverBase ? fixture.base.listing : nil)
        let differences = wanted.differences(from: try Listing(image, tree, wanted: wanted))
        #expect(differences == [])
        let base = example.isOverBase ? fixture.base.image : nil
        let (settings, history) = (try Settings(image), try Settings.history(image, after: base))
        #expect(settings.lines == (try Settings(example, over: base)).lines)
        #expect(history == example["history"])
        if let lines = example["last layer"] {
            let layer = try #require(image.layers.last)
            let entries = try fixture.store.entries(of: layer, in: image).map(Self.text)
            #expect(entries == lines)
        }
    }

    @Test("A failed build is reported in one sentence", arguments: Example.failures)
    func failure(example: Example) async throws {
        let outcome = try await BuildFixture.shared.value.run(example)
        let lines = outcome.error.split(separator: "\n").filter { $0.hasPrefix("thaw: ") }
        #expect(
            ["exit \(outcome.status)"] + lines.map { String($0.dropFirst(6)) } == example["fails"], "\(outcome.error)")
        #expect(outcome.output == "")
    }

    private static func text(_ entry: LayerEntry) -> String {
        let name = Escapes.text(entry.path.bytes)
        return switch entry.change {
        case .add(.directory): name + "/"
        case .add: name
        case .link(let first): "\(name) == \(Escapes.text(first.bytes))"
        case .remove: "- \(name)"
        case .clear: "- \(name)/*"
        }
    }
}
