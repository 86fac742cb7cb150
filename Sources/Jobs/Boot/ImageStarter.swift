public import ColdStart
public import ImageFiles
public import OCI
public import Probe
public import Proof

/// The starts of images, which a test replaces by starts without an engine.
public protocol ImageStarter: Sendable {
    /// Starts the image as many times as requested and measures each start.
    ///
    /// - Parameters:
    ///   - tree: The image's tree, if it was already made.
    ///   - options: Options of the engine kvm.
    func measure(
        _ image: Image, tree: FileTree?, in store: Store, options: MachineOptions
    ) async throws -> StartMeasurement

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
