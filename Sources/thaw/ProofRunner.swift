import ColdStart
import ImageFiles
import Linux
import OCI
import Slim

/// The runner of a proof: starts images on an engine and converts their probe results for the module Slim.
struct ProofRunner: ImageRunner {
    let job: BootJob
    let store: Store
    let probeSet: ProbeSet
    /// The files of images that were already read.
    var files: [ImageFiles] = []

    /// Returns the probe results of the original; throws if a probe does not pass.
    func record(of original: Image) async throws -> RunRecord {
        let record = try await run(original, recordsOpenedFiles: probeSet.recordsOpenedFiles)
        if let reason = record.failureReason { throw SlimError.notServing(reason) }
        return record
    }

    func run(_ image: Image, recordsOpenedFiles: Bool) async throws -> RunRecord {
        do {
            let requested = ProbeSet(
                probes: probeSet.probes, commands: probeSet.commands, recordsOpenedFiles: recordsOpenedFiles)
            let tree = files.first { $0.image.descriptor == image.descriptor }?.tree
            let measured = try await job.runProbes(image, tree: tree, requested, in: store)
            return RunRecord(measured.probeResults, to: probeSet, on: measured.engine)
        } catch let error as ColdStartError where error.kind == .work {
            return RunRecord(probes: [], failure: "\(error)")
        }
    }
}

extension RunRecord {
    fileprivate init(_ results: ProbeResults?, to probeSet: ProbeSet, on engine: String) {
        guard let results else {
            self.init(probes: [], failure: "the image was not probed")
            return
        }
        let probes = probeSet.probes.map { ($0, true) } + probeSet.commands.map { (ProbeAction.exec($0), false) }
        var records = zip(probes, results.results).map { probe, result in
            ProbeRecord(result, to: "\(probe.0)", passes: probe.1 ? result.passes : result.isEnded)
        }
        if probeSet.readinessProbe != nil {
            let ports = results.listeningPorts.map { "\($0)" }.joined(separator: " ")
            let state = results.earlyExit.map { "it \($0)" } ?? "it runs"
            records.append(
                ProbeRecord(
                    "the program afterwards", [("state", .text(state)), ("listening on", .text(ports))], passes: true))
        }
        self.init(probes: records, openedFiles: OpenedFiles(results.openedFiles), engine: engine)
    }
}

extension RunRecord.OpenedFiles {
    fileprivate init(_ openedFiles: OpenedFiles) {
        self =
            switch openedFiles {
            case .notRecorded: .none
            case .unavailable(let reason): .unavailable(reason)
            case .paths(let paths, let isComplete): .files(paths, isComplete: isComplete)
            }
    }

    /// A warning that the opened files are not completely known; nil if they are.
    var warning: String? {
        switch self {
        case .none, .files(_, isComplete: true): nil
        case .unavailable(let reason): "the files that the program opens are not observed: \(reason)"
        case .files(_, isComplete: false):
            "more files were opened than could be observed; add missing files with --include"
        }
    }
}

extension ProbeRecord {
    fileprivate init(_ result: ProbeResult, to probe: String, passes: Bool) {
        let (body, stderr) = (StreamDigest(result.body), StreamDigest(result.stderr))
        func command(_ ending: String) -> ProbeRecord {
            .command(probe, exitStatus: ending, stdout: body, stderr: stderr, passes: passes)
        }
        func words(_ text: String) -> ProbeRecord { ProbeRecord(probe, [("answer", .text(text))], passes: passes) }
        self =
            switch result.outcome {
            case .http(let status): .http(probe, status: status, head: result.head, body: body, passes: passes)
            case .connected: words("connected")
            case .exited(let status): command("exit status \(status)")
            case .killed(let signal): command("killed by signal \(signal)")
            case .matched: words("a line matched")
            case .refused: words("nothing listens")
            case .broken: words("the connection was closed before the end of the response")
            case .timedOut: words("no response before the timeout")
            case .notStarted(let reason): words("the command cannot be run: \(reason)")
            }
    }
}

extension StreamDigest {
    fileprivate init(_ content: ProbeResult.StreamDigest?) {
        guard let content else {
            self.init([])
            return
        }
        self.init(prefix: content.prefix, byteCount: content.byteCount, digest: content.digest)
    }
}
