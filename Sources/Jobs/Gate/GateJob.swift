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
        var figures = ImageFigures(of: image, Waste(of: tree), startMilliseconds: nil)
        if project.budget.start != nil || project.budget.startWork != nil {
            try await measureStart(of: image, into: &figures)
        }
        return BudgetVerdict(project.budget, figures)
    }

    /// Counts the start for a budget of work, and where the time would be an emulator's; else measures the time.
    private func measureStart(of image: Image, into figures: inout ImageFigures) async throws {
        let job = try BootJob(start, project, host: host)
        let (time, work) = (project.budget.start, project.budget.startWork)
        if work != nil || job.isEmulated {
            do {
                figures.take(try await job.count(image, in: store))
                if time == nil || job.isEmulated { return }
            } catch ColdStartError.impossibleScenario(let reason) {
                guard work == nil else { throw Failure("the work can't be counted: \(reason)", status: .unmeasurable) }
                host.note("the start is not counted: \(reason)")
            }
        }
        figures.startMilliseconds = try await job.measure(image, in: store).timeToFirstRequest.median
        figures.isStartCounted = false
    }
}
