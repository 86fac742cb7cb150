import Analysis
import Linux
import OCI
import Support
import Testing

@testable import Jobs

/// The analysis with the store's images as possible bases.
@Suite struct AnalyzeJobTests {
    private let workspace: Workspace
    private let base: Image
    private let app: Image

    init() throws {
        workspace = try Workspace()
        base = try workspace.image([[file("base", "1")]])
        app = base.appending(
            try workspace.layer([file("app", "2")]), history: History(created: nil, createdBy: "COPY app")
        ).based(on: try Reference("debian:12"), base.descriptor.digest)
    }

    @Test("The base that the annotations name is found in the store, also without a name there")
    func unnamed() throws {
        let job = AnalyzeJob(in: workspace.store)
        #expect(try job.base(of: app).evidence == .annotation && job.base(of: app).layerCount == nil)
        try workspace.store.publish(base, as: nil)
        let found = try job.base(of: app)
        #expect(found.evidence == .layers && found.layerCount == 1 && found.name == "debian:12")
    }

    @Test("A layer that the image doesn't have is wrong usage")
    func layer() async throws {
        let job = AnalyzeJob(in: workspace.store)
        let failure = await #expect(throws: Failure.self) {
            try await job.files(of: app, named: "app", FileReport.FileSelection(layer: 2))
        }
        #expect(failure?.status == .usage && failure?.message == "there is no layer 2: 'app' has the layers 0 to 1")
    }
}
