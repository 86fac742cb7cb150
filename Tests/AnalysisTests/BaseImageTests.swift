import Linux
import OCI
import Support
import Testing

@testable import Analysis

@Suite("Base image")
struct BaseImageTests {
    private let workspace: Workspace
    private let base: Image
    private let app: Image

    init() throws {
        workspace = try Workspace()
        let lines = ["FROM", "CMD sh"].enumerated().map { index, text in
            History(created: "2026-01-0\(index + 1)T00:00:00Z", createdBy: text, isEmptyLayer: index == 1)
        }
        base = try workspace.image([[try file("base", noise(900))]], history: lines)
        let layer = try workspace.layer([try file("app", "1"), try whiteout("base")])
        app = base.appending(layer, history: History(created: "2026-02-01T00:00:00Z", createdBy: "COPY"))
    }

    private func known(_ image: Image, _ name: String = "base:1") -> KnownImage {
        KnownImage(
            name: name, digest: image.descriptor.digest, diffIDs: image.layers.map(\.diffID),
            history: image.config.history)
    }

    @Test("The longest prefix of layers that is a known image's whole list is the base")
    func layers() throws {
        let middle = app
        let top = app.appending(
            try workspace.layer([try file("top", "2")]), history: History(created: nil, createdBy: "x"))
        let found = BaseImage(of: top, among: [known(base), known(middle, "middle:1")])
        #expect(found.name == "middle:1" && found.layerCount == 2 && found.evidence == .layers)
        #expect(found.owner(of: 1) == .base && found.owner(of: 2) == .yours)
    }

    @Test("An alias of the image is no base, but one with fewer instructions is")
    func sameLayers() {
        #expect(BaseImage(of: app, among: [known(app, "alias")]) == .unknown)
        let child = base.configured { $0.history.append(History(created: nil, createdBy: "ENV", isEmptyLayer: true)) }
        #expect(BaseImage(of: child, among: [known(base)]).layerCount == 1)
    }

    @Test("The annotation's digest decides between known images")
    func annotated() throws {
        let top = app.appending(
            try workspace.layer([try file("t", "2")]), history: History(created: nil, createdBy: "x")
        )
        .annotated(["org.opencontainers.image.base.digest": "\(base.descriptor.digest)"])
        #expect(BaseImage(of: top, among: [known(base), known(app, "middle")]).name == "base:1")
    }

    @Test("An annotation about an unknown image gives its name, and no layer gets an owner")
    func annotation() {
        let image = app.annotated(["org.opencontainers.image.base.name": "docker.io/library/python:3"])
        let found = BaseImage(of: image, among: [])
        #expect(found.name == "docker.io/library/python:3" && found.evidence == .annotation)
        #expect(found.layerCount == nil && found.owner(of: 0) == .unknown)
    }

    @Test("The history of a known image shows a base whose layers were packed anew")
    func history() throws {
        let other = try workspace.layer([try file("base", noise(900), mtime: 7)])
        let repacked = app.replacingLayers([other, app.layers[1]], history: app.config.history)
        let found = BaseImage(of: repacked, among: [known(base)])
        #expect(found.evidence == .history && found.layerCount == 1 && found.name == "base:1")
        // Text alone is no evidence: two images may begin with the same instructions.
        let timeless = repacked.configured {
            $0.history = $0.history.map {
                History(created: nil, createdBy: $0.createdBy, isEmptyLayer: $0.isEmptyLayer)
            }
        }
        let same = base.configured {
            $0.history = $0.history.map {
                History(created: nil, createdBy: $0.createdBy, isEmptyLayer: $0.isEmptyLayer)
            }
        }
        #expect(BaseImage(of: timeless, among: [known(same)]) == .unknown)
    }

    @Test("Waste has its owner, and an unknown base gets no blame")
    func waste() async throws {
        let report = try await Report(of: app, reference: "app", base: BaseImage(of: app, among: [known(base)]))
        #expect(report.wastedBySide?.base == 900 && report.wastedBySide?.yours == 0)
        let finding = try #require(report.findings.first { $0.id == "deleted-later" })
        #expect(finding.owner == .base && finding.severity == .info && finding.fix.contains("base image"))
        #expect(report.json["base"]?["name"] == .string("base:1"))
        #expect(report.text.contains("Base        base:1, layer 0"))
        let unknown = try await Report(of: app, reference: "app")
        #expect(unknown.wastedBySide == nil && unknown.json["wastedBytesBySide"]?["base"] == .null)
        #expect(unknown.findings.first { $0.id == "deleted-later" }?.owner == .unknown)
        #expect(unknown.text.contains("Base        unknown") && !unknown.text.contains("the base's"))
    }

    @Test("The images of a store are known by name")
    func store() throws {
        try workspace.store.publish(base, as: Reference("base:1"))
        let found = BaseImage(of: app, among: try KnownImage.all(in: workspace.store, for: .host))
        #expect(found.name == "base:1" && found.digest == base.descriptor.digest)
    }
}
