internal import Analysis
internal import ColdStart
internal import Linux
internal import OCI
internal import SystemPackage

/// The files about a start that is made once more and recorded, since recording takes time.
struct StartRecording: Sendable {
    let timeline: String?
    let profile: String?
    /// The Dockerfile of the image, for the lines of its layers.
    let dockerfile: String?

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
        guard let work = try await WorkProfile(measured.trace, of: subject.image, in: store) else {
            throw Failure(
                "--profile has no figures: the engine \(measured.engine) reported no threads",
                remedy: "use --engine qemu and a kernel with CONFIG_SCHED_INFO, such as Debian's", status: .unmeasurable
            )
        }
        let isCounted = measured.work != nil
        let isPage = profile.hasSuffix(".html")
        let text = isPage ? try page(work, measured, of: subject.image).html : work.foldedStacks
        try replaceFile(profile, with: Array(text.utf8))
        return work.text(isCounted: isCounted)
    }

    private func page(
        _ work: WorkProfile, _ measured: StartMeasurement, of image: Image
    ) throws -> FlameGraphPage {
        let places = try dockerfile.map { try DockerfilePlaces(of: image, in: $0) } ?? .none
        let isCounted = measured.work != nil
        return work.page(
            of: image, title: "\(image.descriptor.digest.short)", note: measured.engineSentence, isCounted: isCounted,
            places: places)
    }
}
