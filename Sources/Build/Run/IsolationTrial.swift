internal import Sandbox

/// The isolation of a build's commands: tried once, when the first command must run.
actor IsolationTrial {
    private var task: Task<IsolationLadder, any Error>?

    /// Returns the isolation that works; tries only `wanted` if it is given.
    func ladder(_ wanted: Isolation?, _ snapshots: Snapshots) async throws -> IsolationLadder {
        if let task { return try await task.value }
        let made = Task {
            let area = try snapshots.makeWorkArea()
            let ladder = try await IsolationLadder.climb(to: wanted, in: area)
            try snapshots.removeWorkArea(area)
            return ladder
        }
        task = made
        return try await made.value
    }
}
