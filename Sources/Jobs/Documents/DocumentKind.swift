/// The JSON documents that commands print or write.
///
/// The raw value is the name of the schema in `docs/json`, and the `kind` of documents that have one.
public enum DocumentKind: String, CaseIterable, Sendable {
    case analysis, boot, bootComparison, buildMetadata, caches, catalog, check, diff, diskUse, doctor, files, gate
    case history, images
    case inspection, optimization, outline, prune, referrers, scan, slim, slimExplanation, tags, targets

    /// The command that prints or writes the document.
    public var command: String {
        switch self {
        case .analysis: "thaw analyze --format json"
        case .boot: "thaw boot --format json"
        case .bootComparison: "thaw boot --format json IMAGE IMAGE"
        case .buildMetadata: "thaw build --metadata-file FILE"
        case .caches: "thaw cache ls --format json"
        case .catalog: "thaw catalog --format json"
        case .check: "thaw lint --format json; thaw build --call check,format=json"
        case .diff: "thaw diff --format json"
        case .diskUse: "thaw df --format json"
        case .doctor: "thaw doctor --format json"
        case .files: "thaw analyze --files --format json"
        case .gate: "thaw gate --format json"
        case .history: "thaw history --format json"
        case .images: "thaw images --format json"
        case .inspection: "thaw inspect"
        case .optimization: "report.json of thaw optimize"
        case .outline: "thaw build --call outline,format=json"
        case .prune: "thaw prune --format json"
        case .referrers: "thaw referrers --format json"
        case .scan: "thaw scan --format json"
        case .slim: "thaw slim --format json"
        case .slimExplanation: "thaw slim --explain PATH --format json"
        case .tags: "thaw list-tags --format json"
        case .targets: "thaw build --call targets,format=json"
        }
    }

    /// The shape of the document.
    public var schema: Schema {
        switch self {
        case .analysis: Schemas.analysis
        case .boot: Schemas.boot
        case .bootComparison: Schemas.bootComparison
        case .buildMetadata: Schemas.buildMetadata
        case .caches: Schemas.caches
        case .catalog: .document("catalog", ["registry": .string, "repositories": .list(.string)])
        case .check: Schemas.check
        case .diff: Schemas.diff
        case .diskUse: Schemas.diskUse
        case .doctor: Schemas.doctor
        case .files: Schemas.files
        case .gate: Schemas.gate
        case .history: Schemas.history
        case .images: Schemas.images
        case .inspection: Schemas.inspection
        case .optimization: Schemas.optimization
        case .outline: Schemas.outline
        case .prune:
            .document(
                "prune",
                [
                    "removedBlobs": .integer, "freedBytes": .integer, "leftBytes": .integer,
                    "removedStartFiles": .integer, "freedStartBytes": .integer,
                ])
        case .referrers: .document("referrers", ["subject": .string, "referrers": .list(.any)])
        case .scan: Schemas.scan
        case .slim: Schemas.slim
        case .slimExplanation: Schemas.slimExplanation
        case .tags: .document("tags", ["repository": .string, "tags": .list(.string)])
        case .targets: Schemas.targets
        }
    }
}
