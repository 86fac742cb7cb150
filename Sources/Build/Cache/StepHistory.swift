internal import Linux
internal import OCI
internal import Synchronization
internal import SystemPackage

/// The keys and inputs of a Dockerfile's steps in its last build, which explain cache misses.
///
/// ```
/// thaw/why/last-DOCKERFILE    STAGE NUL TEXT NUL KEY NUL, step by step
/// thaw/why/KEY                NAME NUL VALUE NUL, input by input; written when the step has run
///                             or "as" NUL OTHER NUL, the inputs of another key of the same result
/// ```
/// The files are used only for reports: a damaged one means that less can be explained.
final class StepHistory: Sendable {
    private struct Step: Sendable {
        let stage: String
        let text: String
        let key: Digest
    }

    private struct State {
        var steps: [Step] = []
        /// The number of steps of each stage until now.
        var counts: [String: Int] = [:]
    }

    private let store: Store
    private let path: FilePath
    private let last: [String: [Step]]
    private let state = Mutex(State())

    /// The history of the Dockerfile that `name` identifies.
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

    /// Returns the reason for which a step's key is not in the cache.
    ///
    /// - Returns: ``MissReason/resultIsGone`` if the last build ran the same step, whose result the store has lost
    ///   since.
    func explain(stage: String, step text: String, key: Digest, inputs new: StepInputs) -> MissReason {
        let before = last[stage, default: []]
        let place = state.withLock { $0.counts[stage, default: 0] }
        let same = before.indices.filter { before[$0].text == text }.min { abs($0 - place) < abs($1 - place) }
        guard let index = same ?? (before.indices.contains(place) ? place : nil) else { return .firstTime }
        if before[index].key == key { return .resultIsGone }
        if same == nil { return .instruction(was: before[index].text) }
        let old = inputs(of: before[index].key)
        guard !old.isEmpty else { return .firstTime }
        return .changes(old.changes(to: new))
    }

    /// Records a step that has its result, in the order of the stage.
    func note(stage: String, step text: String, key: Digest) {
        state.withLock { state in
            state.steps.append(Step(stage: stage, text: text, key: key))
            state.counts[stage, default: 0] += 1
        }
    }

    /// Returns the saved inputs of a step; none if they are not saved.
    func inputs(of key: Digest) -> StepInputs {
        let inputs = StepInputs(Self.contents(of: Self.path(of: key), in: store))
        // A reference is one short input.
        guard inputs.bytes.count < 128, let input = inputs.list.first, input.name == Self.reference,
            let other = try? Digest(input.value)
        else { return inputs }
        return StepInputs(Self.contents(of: Self.path(of: other), in: store))
    }

    /// Saves the inputs of a step that was run.
    func keep(_ inputs: StepInputs, of key: Digest) throws {
        try store.root.replace(Self.path(of: key), with: inputs.bytes, mode: 0o600, isSynced: false)
    }

    /// Saves that a step has the inputs of another key, which leads to the same result.
    func keep(inputsOf other: Digest, for key: Digest) throws {
        let bytes = Array("\(Self.reference)\0\(other)\0".utf8)
        try store.root.replace(Self.path(of: key), with: bytes, mode: 0o600, isSynced: false)
    }

    /// The name of an input that stands for those of another key.
    private static let reference = "as"

    /// Saves this build's keys in place of the last build's, for the stages that it ran.
    ///
    /// After a failed build the last build's keys stay for the steps that were not reached.
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
        StepInputs.fields(in: contents(of: path, in: store)[...])
    }

    private static func contents(of path: FilePath, in store: Store) -> [UInt8] {
        (try? store.root.contents(of: path, limit: 256 << 20)) ?? []
    }
}

/// The reason for which a step must run.
public enum MissReason: Sendable, Hashable, CustomStringConvertible {
    /// No earlier build of this Dockerfile had this step.
    case firstTime
    /// The last build had the same step, and its result was removed from the store.
    case resultIsGone
    /// The last build had another instruction at this position.
    case instruction(was: String)
    /// The inputs differ from those of the last build.
    case changes([StepChange])
    /// The user disabled the cache.
    case cacheIsOff

    /// The reason without the values of inputs, which may be secrets of the build.
    var inputs: String {
        switch self {
        case .changes(let changes): "changed: " + changes.map(\.input).joined(separator: ", ")
        case .instruction: "the instruction is new"
        case .firstTime, .resultIsGone, .cacheIsOff: description
        }
    }

    /// The words after "because", in one line.
    public var description: String {
        switch self {
        case .firstTime: return "it was never done before"
        case .resultIsGone: return "its earlier result is no longer in the store"
        case .instruction(let text):
            return
                "the instruction is new; before it was: \(text.split(whereSeparator: \.isNewline).joined(separator: " "))"
        case .cacheIsOff: return "the cache is off"
        case .changes(let changes):
            // The layers below explain least, so they come last.
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
