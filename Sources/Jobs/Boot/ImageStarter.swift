public import ImageFiles
public import OCI
public import Probe
public import Proof

/// The starts of images, which a test replaces by starts without an engine.
public protocol ImageStarter: Sendable {
    /// True if the options request counted work instead of time.
    var isDeterministic: Bool { get }

    /// Starts two images in turns as many times as requested, and compares them.
    ///
    /// - Parameter isCounted: True to count work instead of measuring time.
    func measurePair(
        _ before: StartSubject, _ after: StartSubject, in store: Store, isCounted: Bool
    ) async throws -> StartPair

    /// Returns the runner that starts images once, for their responses.
    ///
    /// - Parameters:
    ///   - commands: The commands to run besides the probe.
    ///   - files: The files of images that were already read.
    func runner(
        in store: Store, commands: [ProbeAction], recordsOpenedFiles: Bool, files: [ImageFiles]
    ) -> any ImageRunner<Image>
}

extension BootJob: ImageStarter {
    /// Returns the runner of this job's probe.
    public func runner(
        in store: Store, commands: [ProbeAction], recordsOpenedFiles: Bool, files: [ImageFiles]
    ) -> any ImageRunner<Image> {
        ProofRunner(
            job: self, store: store,
            probeSet: ProbeSet(probes: [probe], commands: commands, recordsOpenedFiles: recordsOpenedFiles),
            files: files)
    }
}
