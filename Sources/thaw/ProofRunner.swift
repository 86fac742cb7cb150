import ColdStart
import ImageFiles
import Linux
import OCI
import Probe
import Proof

/// The runner of a proof: starts images on an engine with the same probes every time.
struct ProofRunner: ImageRunner {
    let job: BootJob
    let store: Store
    let probeSet: ProbeSet
    /// The files of images that were already read.
    var files: [ImageFiles] = []

    func run(_ image: Image, recordsOpenedFiles: Bool) async throws -> RunRecord {
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

    /// Returns the probe results of the original; throws if a probe does not pass.
    func record(of original: Image) async throws -> RunRecord {
        try await record(of: original, recordsOpenedFiles: probeSet.recordsOpenedFiles)
    }
}
