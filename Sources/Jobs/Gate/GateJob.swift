internal import Analysis
internal import ColdStart
public import OCI
public import Project

/// The gate: an image is measured as far as its budgets need it, and compared with them.
public struct GateJob {
    private let store: Store
    private let project: ProjectFile
    private let start: StartOptions
    private let host: any JobHost

    /// Makes a gate.
    ///
    /// - Parameters:
    ///   - project: The file with the budgets.
    ///   - start: The options of a start, which only a budget of the start needs.
    public init(in store: Store, _ project: ProjectFile, start: StartOptions, host: any JobHost) {
        self.store = store
        self.project = project
        self.start = start
        self.host = host
    }

    /// Measures the image and returns the verdict.
    public func verdict(on image: Image) async throws -> BudgetVerdict {
        let tree = try await store.tree(of: image)
        var median: Double?
        if project.budget.start != nil {
            median = try await BootJob(start, project, host: host).measure(image, in: store).timeToFirstRequest.median
        }
        return BudgetVerdict(
            project.budget, ImageFigures(of: image, Waste(of: tree), startMilliseconds: median))
    }
}
