internal import Linux
internal import Synchronization

/// Follows the files that are opened in a container, from outside of it.
struct Observation {
    /// Who follows them; `nil` where the kernel does not allow it.
    let observer: FileObserver?

    init() {
        // The one reason is that nobody but true root may; that is said where it counts.
        observer = try? FileObserver()
    }

    /// What was opened. Nothing is followed from here on.
    func end() -> Observed {
        guard let observer else { return .blind(reason: "in containers that takes root") }
        return Observed(observer.end())
    }
}

extension Observed {
    init(_ seen: FileObserver.Seen) {
        self = .paths(seen.paths.sorted { $0.lexicographicallyPrecedes($1) }, isComplete: seen.isComplete)
    }
}
