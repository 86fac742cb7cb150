internal import Linux
internal import OCI
internal import Synchronization
internal import SystemPackage

/// Which keys the steps of a Dockerfile had in its last build, and what went into them: how a miss is explained.
///
/// ```
/// thaw/why/last-DOCKERFILE    STAGE NUL TEXT NUL KEY NUL, step by step
/// thaw/why/KEY                NAME NUL VALUE NUL, input by input; written when the step is done
/// ```
/// Only told, never believed: a damaged file means that less can be explained.
final class StepHistory: Sendable {
    private struct Step: Sendable {
        let stage: String
        let text: String
        let key: Digest
    }

    private struct State {
        var steps: [Step] = []
        /// How many steps each stage had so far.
        var counts: [String: Int] = [:]
    }

    private let store: Store
    private let path: FilePath
    private let last: [String: [Step]]
    private let state = Mutex(State())

    /// The history of the Dockerfile that `name` tells from all others.
    init(_ name: String, in store: Store) throws {
        self.store = store
        path = FilePath("thaw/why/last-\(Digest(of: Array(name.utf8)).hex)")
        try store.root.makeDirectories("thaw/why")
        let fields = Self.fields(in: path, of: store)
        var last: [String: [Step]] = [:]
        for start in stride(from: 0, to: fields.count - 2, by: 3) {
            guard let key = try? Digest(fields[start + 2]) else { continue }
            let step = Step(stage: fields[start], text: fields[start + 1], key: key)
            last[step.stage, default: []].append(step)
        }
        self.last = last
    }

    /// Takes note of a step's key, and gives the reason why it is not known.
    ///
    /// - Returns: nil where this very step was done in the last build too: what it gave is no longer in the store.
    func explain(_ stage: String, _ text: String, _ fingerprint: Fingerprint) -> MissReason {
        let before = last[stage, default: []]
        let place = state.withLock { $0.counts[stage, default: 0] }
        let same = before.indices.filter { before[$0].text == text }.min { abs($0 - place) < abs($1 - place) }
        guard let index = same ?? (before.indices.contains(place) ? place : nil) else { return .firstTime }
        if before[index].key == fingerprint.digest { return .resultIsGone }
        if same == nil { return .instruction(was: before[index].text) }
        let inputs = Self.fields(in: Self.path(of: before[index].key), of: store)
        guard !inputs.isEmpty else { return .firstTime }
        let old = stride(from: 0, to: inputs.count - 1, by: 2).map {
            StepInput(name: inputs[$0], value: inputs[$0 + 1])
        }
        return .changes(StepChange.between(old, fingerprint.inputs))
    }

    /// Takes note of a step that has its result, in the order of the stage.
    func note(_ stage: String, _ text: String, _ key: Digest) {
        state.withLock { state in
            state.steps.append(Step(stage: stage, text: text, key: key))
            state.counts[stage, default: 0] += 1
        }
    }

    /// Keeps what went into a step that was done.
    func keep(_ inputs: [StepInput], of key: Digest) throws {
        let bytes: [UInt8] = inputs.flatMap { Array("\($0.name)\0\($0.value)\0".utf8) }
        try store.root.replace(Self.path(of: key), with: bytes, mode: 0o600, isSynced: false)
    }

    /// Writes down this build's keys in place of the last one's, for the stages that it had. A build that failed leaves
    /// the last one's for the steps that it did not come to.
    func save(isWhole: Bool) throws {
        var all = last
        for (stage, steps) in Dictionary(grouping: state.withLock({ $0.steps }), by: \.stage) {
            all[stage] = steps + (isWhole ? [] : last[stage, default: []].dropFirst(steps.count))
        }
        guard all.contains(where: { last[$0.key, default: []].map(\.key) != $0.value.map(\.key) }) else { return }
        let steps = all.sorted { $0.key < $1.key }.flatMap(\.value)
        let bytes: [UInt8] = steps.flatMap { Array("\($0.stage)\0\($0.text)\0\($0.key)\0".utf8) }
        try store.root.replace(path, with: bytes, mode: 0o600, isSynced: false)
    }

    private static func path(of key: Digest) -> FilePath { FilePath("thaw/why/\(key.hex)") }

    private static func fields(in path: FilePath, of store: Store) -> [String] {
        guard let bytes = try? store.root.contents(of: path, limit: 256 << 20) else { return [] }
        return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
            .map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Why a step has to be done.
public enum MissReason: Sendable, Hashable, CustomStringConvertible {
    /// No earlier build of this Dockerfile had such a step.
    case firstTime
    /// The last build did the same, and what it gave was removed from the store.
    case resultIsGone
    /// In its place the last build had another instruction.
    case instruction(was: String)
    /// What went in differs from the last time.
    case changes([StepChange])
    /// Earlier results were not to be used.
    case cacheIsOff

    /// What follows "because": one line.
    public var description: String {
        switch self {
        case .firstTime: return "it was never done before"
        case .resultIsGone: return "its earlier result is no longer in the store"
        case .instruction(let text):
            return
                "the instruction is new; before it was: \(text.split(whereSeparator: \.isNewline).joined(separator: " "))"
        case .cacheIsOff: return "the cache is off"
        case .changes(let changes):
            // What stands below explains least: it comes last.
            let telling =
                changes.filter { !StepInput.ofBase.contains($0.input) }
                + changes.filter { StepInput.ofBase.contains($0.input) }
            guard let first = telling.first else { return "its inputs are in another order" }
            return telling.count > 1 ? "\(first), and \(telling.count - 1) more" : "\(first)"
        }
    }

    /// Every input that changed.
    public var changes: [StepChange] { if case .changes(let changes) = self { changes } else { [] } }
}
