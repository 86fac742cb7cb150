internal import Build
internal import Linux
public import OCI
internal import Sandbox

/// The job of `thaw debug`: a shell, or another command, where the last build failed.
public struct DebugJob {
    private let store: Store
    private let step: FailedStep

    /// Finds the failed step of a store.
    public init(in store: Store) throws {
        guard let step = try FailedStep(in: store) else {
            throw Failure(
                "there is no failed step in this store", remedy: "a failed RUN is kept until the next build starts")
        }
        (self.store, self.step) = (store, step)
    }

    /// Runs a command, or the shell without words, and returns its exit status as a shell does.
    ///
    /// - Parameter limits: The limits that replace those of the step.
    public func run(
        _ words: [String], limits: KeyValuePairs<RunLimit, String?>, _ host: any JobHost
    ) async throws -> Int32 {
        var options = step.options
        try RunLimit.apply(limits, to: &options)
        let lease = try store.lease()
        let words = words.first == "--" ? Array(words.dropFirst()) : words
        host.report("\(step.place): \(step.command)")
        if words.isEmpty {
            host.report("run it again with: \(step.shell.joined(separator: " ")) ...; end the shell with exit")
        }
        let terminal = Environment["TERM"].map { ["TERM=\($0)"] } ?? []
        let status = try await step.run(words, environment: terminal, options: options) { host.note($0) }
        try lease.release()
        return status.code
    }
}
