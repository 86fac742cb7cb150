internal import ColdStart
public import ImageFiles
internal import Linux
public import OCI
public import Probe
public import Proof

/// The runner of a proof: starts images on an engine with the same probes every time.
public struct ProofRunner: ImageRunner {
    let job: BootJob
    let store: Store
    let probeSet: ProbeSet
    let files: [ImageFiles]

    /// Makes a runner of `probeSet` with the settings of `job`.
    ///
    /// - Parameter files: The files of images that were already read.
    public init(job: BootJob, store: Store, probeSet: ProbeSet, files: [ImageFiles] = []) {
        self.job = job
        self.store = store
        self.probeSet = probeSet
        self.files = files
    }

    /// Makes a runner of `probes` and the settings' commands; nil without any of them, where options of the start are refused.
    public init?(
        probes: [ProbeAction], settings: ProofSettings, start: StartOptions, in store: Store, host: any JobHost
    ) throws {
        guard let first = probes.first ?? settings.commands.first else {
            guard start != StartOptions() else { return nil }
            throw Failure(
                "the images are not started without --probe or --exec", remedy: "add --probe or --exec", status: .usage)
        }
        var start = start
        start.probe = first
        var probeSet = ProbeSet(
            probes: probes, commands: settings.commands, recordsOpenedFiles: settings.observes)
        probeSet.settle = settings.settle
        self.init(job: try BootJob(start, nil, host: host), store: store, probeSet: probeSet)
    }

    /// Returns the runner that also runs the HEALTHCHECK of an image's configuration, whose result must be the same.
    public func checkingHealth(of config: ImageConfig) -> ProofRunner {
        let commands = ImageProbe.missingHealthcheck(config, among: probeSet.actions)
        var probes = ProbeSet(
            probes: Array(probeSet.actions.prefix(probeSet.probeCount)),
            commands: probeSet.actions.dropFirst(probeSet.probeCount) + commands,
            recordsOpenedFiles: probeSet.recordsOpenedFiles)
        probes.settle = probeSet.settle
        return ProofRunner(job: job, store: store, probeSet: probes, files: files)
    }

    /// Returns the runner that need not read the files of these images again.
    public func knowing(_ files: [ImageFiles]) -> ProofRunner {
        ProofRunner(job: job, store: store, probeSet: probeSet, files: files)
    }

    /// Starts the original, and reports what is incomplete or differs.
    public func traces(of original: Image, _ settings: ProofSettings, host: any JobHost) async throws -> Traces {
        let traces = try await Traces(of: original, by: self, settings: settings)
        traces.report(to: host)
        return traces
    }

    /// Starts an image once and returns its probe results.
    public func run(_ image: Image, recordsOpenedFiles: Bool) async throws -> RunRecord {
        var requested = probeSet
        requested.recordsOpenedFiles = recordsOpenedFiles
        do {
            let tree = files.first { $0.image.descriptor == image.descriptor }?.tree
            let measured = try await job.runProbes(image, tree: tree, requested, in: store)
            return RunRecord(measured.probeResults, of: probeSet, on: measured.engine)
        } catch let error as ColdStartError where error.kind == .work {
            return RunRecord(probes: [], failure: "\(error)")
        }
    }
}
