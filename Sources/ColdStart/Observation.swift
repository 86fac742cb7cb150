internal import Linux
internal import Synchronization

/// The observation of the files that are opened in a container, from outside of it.
struct Observation {
    /// The observer; `nil` if the kernel does not allow it.
    let observer: FileObserver?

    init() {
        // The one reason is a missing root privilege; `end()` reports it.
        observer = try? FileObserver()
    }

    /// Stops the observation, and returns the opened files.
    func end() -> Observed {
        guard let observer else { return .blind(reason: "in containers this needs root") }
        return Observed(observer.end())
    }
}

extension Observed {
    init(_ seen: FileObserver.Seen) {
        self = .paths(seen.paths.sorted { $0.lexicographicallyPrecedes($1) }, isComplete: seen.isComplete)
    }
}
