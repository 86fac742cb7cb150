internal import ColdStart
internal import ImageFiles
public import Linux
internal import OCI
internal import Probe
internal import Proof
internal import Slim

/// The result of a cure that was tried.
public struct CureResult: Sendable, Equatable {
    /// The decision about a cure.
    public enum CureDecision: String, Sendable {
        /// The image has it.
        case kept
        /// It was tried, and the image doesn't have it.
        case dropped
        /// The image gives no reason for it.
        case inapplicable
    }

    /// The cure's name.
    public let name: String
    /// The decision.
    public let decision: CureDecision
    /// The facts of the image for which it was proposed; nil if there were none.
    public var reason: String?
    /// The predicted effect.
    public var prediction: String?
    /// The measured effect, or the cause of the decision.
    public var effect: String

    /// The result as a line.
    var text: String {
        let why = reason.map { " because \($0)" } ?? ""
        return
            "\(decision == .kept ? "kept   " : decision == .dropped ? "dropped" : "not    ") \(name)\(why): \(effect)"
    }

    /// The result as a member of a document.
    public var json: JSON {
        .object([
            "name": .string(name), "decision": .string(decision.rawValue), "reason": reason.map(JSON.string) ?? .null,
            "prediction": prediction.map(JSON.string) ?? .null, "effect": .string(effect),
        ])
    }
}

/// The trial of cures: each on top of the best image so far.
///
/// A cure stays only if the proof holds and what it promised was measured: less work until the first request, or fewer
/// bytes with no more work.
struct CureTrial {
    let original: Image
    let traces: Traces
    let store: Store
    let search: TextSearch?
    let boot: any ImageStarter
    let runner: ([ImageFiles]) -> any ImageRunner<Image>
    let host: any JobHost

    /// Tries cures in their order; returns the best image and the result of each.
    func best(of files: ImageFiles, _ cures: [any Cure]) async throws -> (files: ImageFiles, results: [CureResult]) {
        var best = files
        var results: [CureResult] = []
        for cure in cures {
            host.begin("trying the cure \(cure.name)")
            let (image, result) = try await attempt(cure, on: best)
            best = image ?? best
            results.append(result)
        }
        return (best, results)
    }

    private func attempt(_ cure: any Cure, on files: ImageFiles) async throws -> (ImageFiles?, CureResult) {
        let (boot, store) = (boot, store)
        let subject = CureSubject(files, openedFiles: traces.openedFiles) {
            try await boot.output(of: $0, in: files.image, store)
        }
        let proposal: CureProposal
        do {
            guard let found = try await cure.proposal(for: subject) else {
                return (nil, CureResult(name: cure.name, decision: .inapplicable, effect: "nothing to cure"))
            }
            proposal = found
        } catch let error as Failure where error.status != .interrupted {
            return (nil, CureResult(name: cure.name, decision: .dropped, effect: error.message))
        }
        let image = try await files.image.edited(by: proposal.edit, of: files, named: cure.name, into: store)
        let cured = try await ImageFiles(of: image, search: search)
        let (isKept, effect) = try await judge(cured, against: files, proposal)
        return (
            isKept ? cured : nil,
            CureResult(
                name: cure.name, decision: isKept ? .kept : .dropped, reason: proposal.reason,
                prediction: proposal.prediction, effect: effect)
        )
    }

    /// Returns the decision with its measured cause.
    private func judge(
        _ cured: ImageFiles, against best: ImageFiles, _ proposal: CureProposal
    ) async throws -> (isKept: Bool, effect: String) {
        let verification = try await Verification(
            cured.image, against: traces.record.without(proposal.endedProcesses),
            again: traces.again?.without(proposal.endedProcesses), of: original,
            by: PartialRunner(runner: runner([best, cured]), ended: proposal.endedProcesses))
        if let difference = verification.difference { return (false, "the proof fails: \(difference)") }
        let pair: StartPair
        do {
            let subjects = [best, cured].map { StartSubject($0.image, tree: $0.tree) }
            pair = try await boot.measurePair(subjects[0], subjects[1], in: store, mode: .counted)
        } catch let error as ColdStartError where error != .cancelled {
            return (false, "its effect can't be measured: \(error)")
        } catch let error as Failure where error.status != .interrupted {
            return (false, "its effect can't be measured: \(error.message)")
        }
        let verdict = pair.comparison.verdict
        switch proposal.goal {
        case .work: return (verdict == .faster, pair.comparison.text)
        case .size:
            let (before, after) = (best.image.compressedSize, cured.image.compressedSize)
            let sizes = "\(ByteCount(before)) -> \(ByteCount(after)) compressed"
            return (after < before && verdict != .slower, "\(sizes); start: \(pair.comparison.text)")
        }
    }
}

/// A runner whose records lack processes that a cure makes needless.
private struct PartialRunner: ImageRunner {
    let runner: any ImageRunner<Image>
    let ended: Set<String>

    func run(_ image: Image, recordsOpenedFiles: Bool) async throws -> RunRecord {
        try await runner.run(image, recordsOpenedFiles: recordsOpenedFiles).without(ended)
    }
}
