internal import Analysis
internal import Slim

/// The schemas of documents about images: their bytes, their starts and their slim forms.
enum Schemas {
    static let analysis = Schema.document(
        "analysis",
        [
            "image": image,
            "metric": .words(["thaw", "dive"]),
            "inefficientFiles?": .list(["path": .string, "count": .integer, "bytes": .integer]),
            "efficiency": .number, "wastedBytes": .integer, "userWastedPercent": .number,
            "wastedBytesBySide": ["base": .nullable(.integer), "user": .nullable(.integer)],
            "base": [
                "name": .nullable(.string), "digest": .nullable(.string), "layerCount": .nullable(.integer),
                "evidence": .nullable(.words(BaseImage.Evidence.allCases.map(\.rawValue))),
            ],
            "layers": .list(layer), "largestFiles": .list(fileRow), "largestDirectories": .list(directoryRow),
            "waste": .list(waste),
            "duplicates": .list([
                "digest": .string, "bytes": .integer, "compressedBytes": .nullable(.integer), "layers": .list(.integer),
                "paths": .list(.string),
            ]),
            "packages": .list([
                "manager": .string, "name": .string, "version": .string, "bytes": .integer, "layer": .integer,
                "license": .nullable(.string),
            ]),
            "secrets": .list([
                "rule": .string, "path": .string, "layer": .nullable(.integer), "line": .nullable(.integer),
                "deletedLater": .bool, "fingerprint": .string,
            ]),
            "allowedSecrets": .integer,
            "findings": .list(finding),
        ])

    static let files = Schema.document(
        "files",
        [
            "image": image,
            "layers": .list([
                "index": .integer, "digest": .string, "createdBy": .string, "source": .nullable(.string),
            ]),
            "files?": .list(fileRow), "directories?": .list(directoryRow),
        ])

    private static let image: Schema = [
        "reference": .string, "digest": .string, "platform": .string, "size": .integer,
        "compressedSize": .integer, "layerCount": .integer,
    ]

    private static let fileRow: Schema = [
        "path": .string, "type": .words(["file", "link", "symlink", "device", "fifo", "directory"]),
        "bytes": .integer, "layer": .integer, "state": .words(["live", "deleted", "replaced"]),
        "hiddenBy?": .integer, "firstName?": .string,
    ]

    private static let directoryRow: Schema = [
        "path": .string, "files": .integer, "bytes": .integer, "hiddenBytes": .integer, "layers": .list(.integer),
    ]

    private static let owner = Schema.words(BaseImage.LayerOwner.allCases.map(\.rawValue))

    private static let layer: Schema = [
        "index": .integer, "owner": owner, "digest": .string, "diffID": .string, "size": .integer,
        "compressedSize": .integer,
        "createdBy": .string, "source": .nullable(.string), "wastedBytes": .integer,
        "files": ["added": .integer, "modified": .integer, "removed": .integer],
    ]

    private static let waste: Schema = [
        "path": .string, "count": .integer, "bytes": .integer, "layers": .list(.integer), "class": wasteClass,
        "compressedBytes": .nullable(.integer),
        "copies": .list([
            "layer": .integer, "takenBy": .integer, "class": wasteClass, "bytes": .integer,
            "compressedBytes": .nullable(.integer),
        ]),
    ]

    private static let wasteClass = Schema.words(["deleted-later", "rewritten", "metadata-only", "moved"])

    private static let finding: Schema = [
        "id": .string, "severity": .words(["error", "warning", "info"]), "message": .string, "bytes": .integer,
        "compressedBytes": .integer, "layer": .nullable(.integer), "fix": .string, "paths": .list(.string),
        "owner": .nullable(owner),
    ]

    static let scan = Schema.document(
        "scan",
        [
            "image": ["reference": .string, "digest": .string], "advisories": .integer, "ecosystems": .list(.string),
            "matches": .list([
                "id": .string, "aliases": .list(.string), "summary": .string,
                "severity": .words(CVSSRating.allCases.map(\.rawValue)), "fixed": .nullable(.string),
                "package": ["manager": .string, "name": .string, "version": .string, "layer": .integer],
            ]),
        ])

    static let history = Schema.list([
        "created": .string, "createdBy": .string, "size": .nullable(.integer), "compressedSize": .integer,
        "digest": .nullable(.string), "diffID": .nullable(.string), "emptyLayer": .bool, "comment": .string,
    ])

    static let diff = Schema.document(
        "diff",
        [
            "summary": .string, "semantic": .bool, "before": diffSide, "after": diffSide,
            "layers": .list([
                "state": .words(LayerChange.State.allCases.map(\.rawValue)), "before": .nullable(.integer),
                "after": .nullable(.integer), "createdBy": .string, "growth": .integer, "unpackedGrowth": .integer,
            ]),
            "packages": .list([
                "manager": .string, "name": .string, "change": change, "before": .list(.string),
                "after": .list(.string), "growth": .integer,
            ]),
            "directories": .list(["path": .string, "files": .integer, "growth": .integer]),
            "history": .list(["change": change, "createdBy": .string]), "historyTimes": .integer,
            "config": .list(["key": .string, "before": .nullable(.string), "after": .nullable(.string)]),
            "files": .list([
                "path": .string, "change": .words(["added", "removed", "modified"]), "what": .list(.string),
                "before": .nullable(file), "after": .nullable(file),
            ]),
        ])

    private static let change = Schema.words(["added", "removed", "changed"])

    private static let diffSide: Schema = [
        "reference": .string, "digest": .string, "compressedSize": .integer, "size": .integer,
    ]

    private static let file: Schema = [
        "size": .integer, "mode": .string, "uid": .integer, "gid": .integer, "mtime": .string, "layer": .integer,
        "digest?": .string,
    ]

    static let slim = Schema.document(
        "slim",
        [
            "before": side, "after": side, "kept": .integer, "dropped": .integer, "reasons": .map(.integer),
            "missingLibraries": .list(.string),
            "removed": .list(["path": .string, "count": .integer, "bytes": .integer]),
            "level": .words(SlimLevel.allCases.map(\.rawValue)), "alreadySlim": .bool, "vainIncludes": .list(.string),
            "paths": [
                "kept": .list(["path": .string, "reason": .string, "by?": .string]),
                "dropped": .list([
                    "path": .string, "class": dropKind, "package": .nullable(.string), "layer": .integer,
                ]),
            ],
            "verification": verification,
        ])

    private static let dropKind = Schema.words(DropKind.allCases.map(\.rawValue))

    static let slimExplanation = Schema.document(
        "slimExplanation",
        [
            "subject": .string,
            "paths": .list([
                "path": .string, "kept": .bool, "chain?": .list(.string), "class?": dropKind,
                "package?": .nullable(.string), "layer?": .integer,
            ]),
        ])

    private static let side: Schema = [
        "digest": .string, "platform": .string, "size": .integer, "compressedSize": .integer,
        "layerCount": .integer, "files": .integer,
    ]

    private static let verification: Schema = [
        "state": .words(["verified", "unproven", "failed"]), "passed": .nullable(.bool), "engine?": .string,
        "failure?": .string, "observedFiles?": .integer,
        "rounds?": .list(["difference": .string, "restored": .list(.string)]),
        "probes": .list([
            "probe": .string, "passed": .bool, "before": .string, "after?": .string, "unstable": .list(.string),
            "differences": .list(["field": .string, "before": .string, "after": .string]),
        ]),
    ]

    static let gate = Schema.document(
        "gate",
        [
            "holds": .bool,
            "budgets": .list([
                "name": .string, "limit": .number, "measured": .nullable(.number), "holds": .bool,
                "state?": .words(["holds", "broken", "inconclusive", "waived"]), "summary?": .string,
                "causes?": .list(["amount": .string, "text": .string, "layer": .nullable(.integer)]),
                "waiver?": ["reason": .string, "until": .string],
            ]),
            "notes?": .list(.string),
            "image?": ["reference": .string, "digest": .string, "compressedSize": .integer],
        ])

    static let optimization = Schema.document(
        "optimization",
        [
            "analysis": analysis, "slim": slim, "gate": gate,
            "cures": .list([
                "name": .string, "decision": .words(["kept", "dropped", "inapplicable"]), "reason": .nullable(.string),
                "prediction": .nullable(.string), "effect": .string,
            ]),
            "boot": [
                "before": boot, "after": boot, "comparison": comparison,
                "counted?": ["before": boot, "after": boot, "comparison": comparison],
            ],
            "build?": [
                "containerimage.config.digest": .string, "containerimage.digest": .string, "thaw.steps": .list(step),
            ],
        ])
}
