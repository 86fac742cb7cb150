/// The schema of a measured start.
extension Schemas {
    static let boot = Schema.document(
        "boot",
        [
            "engine": .words(["kvm", "qemu", "container"]), "accelerated": .bool, "accelerationNote?": .string,
            "probe": .string, "runs": .integer,
            "image": ["reference": .string, "digest": .string, "compressedSize?": .integer],
            "fingerprint": .map(.string),
            "phases": .list([
                "name": .string, "medianMs": .number, "medianRunMs?": .number, "p95Ms?": .number,
                "samplesMs": .list(.number),
            ]),
            "timeToFirstRequestMs": statistics, "kernel?": ["release": .string, "remark?": .string],
            "findings": .list(["id": .string, "message": .string]), "notes?": .list(.string), "emulator?": .string,
            "exits?": .integer, "vmmOverheadBytes?": .integer,
            "diskReads?": .integer, "diskBytesRead?": .integer, "console?": .string, "pageFaults?": .integer,
            "peakGuestMemoryBytes?": .integer, "terminationMs?": .number,
            "work?": [
                "instructions": .integer, "program?": .integer, "spread": .number, "byPhase": .map(.integer),
            ],
            "waitingMs?": ["median": .number, "byPhase": .map(.number)],
            "guestInstructions?": ["median": .integer, "spread": .number],
            "hostProbe?": [
                "failure?": .string, "firstByteMs?": statistics, "requestMs?": statistics, "status?": .integer,
            ],
            "attribution?": [
                "milliseconds": .number, "sampledMilliseconds?": .number, "otherMilliseconds?": .number,
                "modules": .list(.string), "scripts": .list(.string),
                "parts": .list([
                    "process": .string, "program": .string, "kernel": .bool, "sampled": .bool, "milliseconds": .number,
                    "module?": workFile, "object?": workFile, "function?": .string,
                ]),
            ],
            "response?": ["status": .integer, "bytes": .integer],
        ])

    static let bootComparison = Schema.document(
        "bootComparison", ["before": boot, "after": boot, "comparison": comparison, "causes?": .list(.string)])

    /// The comparison of two starts: of the total, and for counted starts also of its parts.
    static let comparison = figures([
        "basis": .words(["work", "time"]), "text": .string, "instructions?": figures([:]), "waitingMs?": figures([:]),
    ])

    private static func figures(_ more: Schema) -> Schema {
        .merged(
            more,
            [
                "before": .number, "after": .number, "ratio": .number, "runs": .integer,
                "verdict": .words(["faster", "slower", "same", "unknown"]), "interval95?": .list(.number),
                "pValue?": .number, "withinPercent?": .number, "moreRuns?": .integer,
            ])
    }

    private static let workFile: Schema = ["path": .string, "layer?": .integer, "package?": .string]

    private static let statistics: Schema = [
        "median": .number, "p95?": .number, "min": .number, "max": .number, "samples": .list(.number),
    ]
}
