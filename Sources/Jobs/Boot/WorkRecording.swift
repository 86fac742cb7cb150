public import ColdStart
public import ImageFiles
public import Linux
public import OCI

extension BootJob {
    /// Starts an image once with recording, and returns the profile of its work; nil if its engine reports none.
    ///
    /// - Parameters:
    ///   - isCounted: True for a machine that counts instructions.
    ///   - files: The files of the image, if they were already read.
    public func profile(
        of subject: StartSubject, isCounted: Bool, in store: Store, files: ImageFiles? = nil
    ) async throws -> WorkProfile? {
        let job = try choosingProbe(for: subject.image)
        var scenario = try job.scenario(of: subject.image)
        (scenario.runs, scenario.recordsStart, scenario.probeSet) = (1, true, nil)
        let recorded = scenario
        defer { host.show(.phase, nil) }
        host.show(.phase) { ["recording a start"] }
        let measured = try await engines(store, isCounted: isCounted).prepare(
            isCounted ? .qemu : choice, [subject], options: MachineOptions()
        ) { try await $0[0](recorded) }
        return try await WorkProfile(measured.trace, of: subject.image, in: store, files: files)
    }

    /// Records both starts of a comparison, and returns the causes for which the second does more work.
    ///
    /// - Returns: A line for each cause; empty if it does not do more, or if the engine reports no work.
    public func causes(
        of pair: StartPair, _ before: StartSubject, _ after: StartSubject, in store: Store
    ) async throws -> [String] {
        guard pair.comparison.verdict == .slower, pair.before.reportsWork else { return [] }
        let isCounted = pair.comparison.basis == .work
        guard let first = try await profile(of: before, isCounted: isCounted, in: store),
            let second = try await profile(of: after, isCounted: isCounted, in: store)
        else { return [] }
        return WorkComparison.causes(of: second, against: first).map { cause in
            "+\(WorkProfile.amount(cause.milliseconds, isCounted: isCounted)): \(cause.text)"
        }
    }

    /// Returns the document of `--save-baseline`: that of the start, with the parts of its work.
    public func baseline(
        _ measured: StartMeasurement, of image: Image, name: String, in store: Store
    ) async throws -> JSON {
        var json = measured.document(image: image, name: name)
        guard measured.reportsWork else { return json }
        json["attribution"] = try await profile(
            of: StartSubject(image), isCounted: measured.work != nil, in: store)?.document
        return json
    }
}

extension StartMeasurement {
    /// True if the engine can report the parts of the work.
    var reportsWork: Bool { engine != "container" }
}

extension WorkProfile {
    /// Makes the profile of a trace with the packages and functions of the image; nil if the trace has no work.
    init?(_ trace: StartTrace, of image: Image, in store: Store, files: ImageFiles? = nil) async throws {
        let original = image.reading(from: PlainLayers(image.source, in: store.path))
        var read = files
        if read == nil { read = try await ImageFiles(of: original, readsPrograms: false, keptIn: store) }
        guard let read else { return nil }
        self.init(trace, of: try await WorkFiles(read, trace), arguments: image.config.arguments)
    }
}
