internal import ColdStart
internal import OCI
internal import SystemPackage

/// The files about a start that is made once more and recorded, since recording takes time.
struct StartRecording: Sendable {
    let timeline: String?
    let profile: String?

    /// True if a file is requested.
    var isRequested: Bool { timeline != nil || profile != nil }

    /// Fails if a file can't be made.
    func expectWritable() throws {
        for (path, option) in [(timeline, "--timeline"), (profile, "--profile")] {
            if let path { try FileDestination.expectWritable(FilePath(path), for: option) }
        }
    }

    /// Writes the requested files of a measurement whose trace was recorded.
    ///
    /// - Returns: The largest parts of the work for people; nil without a profile.
    func write(_ measured: StartMeasurement, of subject: StartSubject, in store: Store) async throws -> String? {
        if let timeline { try replaceFile(timeline, with: Array(measured.trace.chromeTrace.text.utf8)) }
        guard let profile else { return nil }
        let tree = if let tree = subject.tree { tree } else { try await store.tree(of: subject.image) }
        guard let work = WorkProfile(measured.trace, in: tree) else {
            throw Failure(
                "--profile has no figures: the engine \(measured.engine) reported no threads",
                remedy: "use --engine qemu and a kernel with CONFIG_SCHED_INFO, such as Debian's", status: .unmeasurable
            )
        }
        try replaceFile(profile, with: Array(work.foldedStacks.utf8))
        return work.text
    }
}
