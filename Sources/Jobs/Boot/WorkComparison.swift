/// The causes for which a start does more work than another one.
enum WorkComparison {
    /// The share of the additional work below which a cause is not named.
    private static let least = 0.1
    /// The difference in milliseconds that sampling can't tell from none.
    private static let floor = 0.5

    /// Returns the causes of the additional work of `after`, the largest first, at most `limit`.
    static func causes(of after: WorkProfile, against before: WorkProfile, limit: Int = 3) -> [WorkCause] {
        let lost = after.compiledSources.subtracting(before.compiledSources).intersection(before.sources)
        let (old, new) = (before.groups(lost: lost), after.groups(lost: lost))
        let changes = Set(old.keys).union(new.keys).map { subject in
            change(of: subject, from: old[subject] ?? [], to: new[subject] ?? [])
        }.filter { $0.milliseconds >= floor }.sorted { ($1.milliseconds, $0.text) < ($0.milliseconds, $1.text) }
        let whole = changes.reduce(0) { $0 + $1.milliseconds }
        return Array(changes.filter { $0.milliseconds >= whole * least }.prefix(limit))
    }

    private static func change(of subject: WorkSubject, from old: [WorkPart], to new: [WorkPart]) -> WorkCause {
        let parts = new.isEmpty ? old : new
        return WorkCause(
            text: text(of: subject, parts), milliseconds: new.total - old.total, layer: parts.mainLayer,
            remedy: subject.remedy(layer: parts.mainLayer))
    }

    private static func text(of subject: WorkSubject, _ parts: [WorkPart]) -> String {
        guard subject == .compiled, let layer = parts.mainLayer else { return subject.text(parts) }
        let count = parts.moduleCount
        return "CPython compiles \(count == 1 ? "1 module" : "\(count) modules"), layer \(layer) lost "
            + "\(count == 1 ? "its" : "their") .pyc"
    }
}

extension WorkProfile {
    /// The sources of all loaded modules.
    fileprivate var sources: Set<String> { Set(modules.map { WorkSubject.source(ofModule: $0.path) }) }

    /// The sources that CPython compiled.
    fileprivate var compiledSources: Set<String> {
        Set(modules.map(\.path).filter { WorkSubject.isCompiled($0, scripts: scripts) })
    }

    /// The parts by subject, where only the modules of `lost` are those that CPython compiles.
    fileprivate func groups(lost: Set<String>) -> [WorkSubject: [WorkPart]] {
        Dictionary(grouping: parts) { part in
            let source = part.module.map { WorkSubject.source(ofModule: $0.path) }
            return WorkSubject(part, isCompiled: source.map(lost.contains) ?? false)
        }
    }
}

extension [WorkPart] {
    fileprivate var total: Double { reduce(0) { $0 + $1.milliseconds } }
}
