internal import Linux
internal import Probe
internal import Synchronization

/// The observation of the files that are opened in a container, from outside of it.
struct ContainerFileObserver {
    /// The observer; `nil` if the kernel does not allow it.
    let observer: FileObserver?

    init() {
        // The one reason is a missing root privilege; `end()` reports it.
        observer = try? FileObserver()
    }

    /// Stops the observation, and returns the opened files.
    func end() -> OpenedFiles {
        guard let observer else { return .unavailable(reason: "in containers this needs root") }
        return OpenedFiles(observer.end())
    }
}

extension OpenedFiles {
    init(_ seen: FileObserver.OpenedPaths) {
        self = .recorded(seen.paths.sorted { $0.lexicographicallyPrecedes($1) }, isComplete: seen.isComplete)
    }
}
