public import ColdStart
public import OCI
public import Slim

/// The starts of images, which a test replaces by starts without an engine.
public protocol ImageStarter: Sendable {
    /// Starts the image as many times as requested and measures each start.
    ///
    /// - Parameter options: Options of the engine kvm.
    func measure(_ image: Image, in store: Store, options: MachineOptions) async throws -> StartMeasurement

    /// Returns the runner that starts images once, for their responses.
    ///
    /// - Parameter commands: The commands to run besides the probe.
    func runner(in store: Store, commands: [[String]], recordsOpenedFiles: Bool) -> any ImageRunner
}

extension BootJob: ImageStarter {
    /// Returns the runner of this job's probe.
    public func runner(in store: Store, commands: [[String]], recordsOpenedFiles: Bool) -> any ImageRunner {
        ProofRunner(
            job: self, store: store,
            probeSet: ProbeSet(probes: [probe], commands: commands, recordsOpenedFiles: recordsOpenedFiles))
    }
}

extension ImageRunner {
    /// Returns the probe results of the original; throws if a probe does not pass.
    func record(of original: Image, recordsOpenedFiles: Bool) async throws -> RunRecord {
        let record = try await run(original, recordsOpenedFiles: recordsOpenedFiles)
        if let reason = record.failureReason { throw SlimError.notServing(reason) }
        return record
    }
}
