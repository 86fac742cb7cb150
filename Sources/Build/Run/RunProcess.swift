internal import Linux
internal import Sandbox

// The command of a RUN: started on its network, with its limits of resources and time.

extension BuildRequest.RunOptions {
    /// Sets the limits of a command, and its names of hosts.
    func limit(_ command: inout Command) throws {
        (command.hosts, command.limits) = (hosts, limits)
        if let sharedMemorySize { command.sharedMemorySize = sharedMemorySize }
        (command.processLimit, command.memoryLimit, command.swapLimit) = (processLimit, memoryLimit, swapLimit)
        command.cpus = cpus
        let allowed = try CPUSet.allowed()
        if let cpuCount, !command.cpus.limit(to: cpuCount, of: cpus.set ?? allowed) {
            throw BuildError.tooFewCPUs(wanted: cpuCount, there: (cpus.set ?? allowed).numbers.count)
        }
        if let set = cpus.set, !allowed.contains(set) { throw BuildError.noSuchCPUs("\(set)", there: "\(allowed)") }
    }
}

extension BuildRequest.RunOptions {
    /// Returns notes on the parts of a command's isolation that are missing or weaker.
    ///
    /// - Throws: ``UnenforcedLimit`` if this machine can't enforce a requested limit.
    func notes(on missing: [MissingIsolation]) throws -> [String] {
        var notes: [String] = []
        for part in missing {
            guard case .limit(let limit) = part else {
                notes.append(part.description)
                continue
            }
            let isRequested = limit.limit != .processes || isProcessLimitRequested
            if isRequested, limit.substitute == nil { throw limit }
            if isRequested || limit.substitute == nil { notes.append(limit.description) }
        }
        return notes
    }
}

extension BuildState {
    /// Throws if this machine can't enforce the requested limits; notes weaker isolation once.
    func expectIsolation(without missing: [MissingIsolation]) throws {
        for note in try request.run.notes(on: missing) { noteOnce(note) }
    }
}

extension RunningContainer {
    /// Waits for the end, or kills the command after `limit`; cancelling the task kills it too.
    func end(within limit: Duration?, memoryLimit: Int64?) async throws -> RunEnd {
        guard let status = try await status(within: limit) else { return .timedOut(limit ?? .zero) }
        return RunEnd(status, ranOutOfMemory: ranOutOfMemory, limit: memoryLimit)
    }

    /// Returns the exit status; nil if the time ran out first.
    private func status(within limit: Duration?) async throws -> ExitStatus? {
        try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: ExitStatus?.self) { group in
                group.addTask { try await self.wait() }
                if let limit {
                    group.addTask {
                        try await Task.sleep(for: limit)
                        return nil
                    }
                }
                let first = try await group.next() ?? nil
                if first == nil {
                    kill()
                    _ = try await group.next()
                }
                group.cancelAll()
                return first
            }
        } onCancel: {
            kill()
        }
    }
}

/// Runs `body`, and cancels it when the time runs out.
///
/// - Parameter error: The error that is thrown then.
func within<T: Sendable>(
    _ limit: Duration, orThrow error: @Sendable @escaping () -> any Error,
    _ body: @Sendable @escaping () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            throw error()
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() else { preconditionFailure("two tasks were added") }
        return result
    }
}
