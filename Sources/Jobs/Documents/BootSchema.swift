/// The schema of a measured start.
extension Schemas {
    static let boot = Schema.document(
        "boot",
        [
            "engine": .words(["kvm", "qemu", "container"]), "accelerated": .bool, "accelerationNote?": .string,
            "probe": .string, "runs": .integer, "image": ["reference": .string, "digest": .string],
            "phases": .list([
                "name": .string, "medianMs": .number, "p95Ms": .number, "samplesMs": .list(.number),
            ]),
            "timeToFirstRequestMs": statistics, "kernel?": ["release": .string, "remark?": .string],
            "notes?": .list(.string), "emulator?": .string, "exits?": .integer, "vmmOverheadBytes?": .integer,
            "diskReads?": .integer, "diskBytesRead?": .integer, "console?": .string, "pageFaults?": .integer,
            "peakGuestMemoryBytes?": .integer,
            "work?": ["instructions": .integer, "spread": .number, "byPhase": .map(.integer)],
            "waitingMs?": ["median": .number, "byPhase": .map(.number)],
            "guestInstructions?": ["median": .integer, "spread": .number],
            "hostProbe?": [
                "failure?": .string, "firstByteMs?": statistics, "requestMs?": statistics, "status?": .integer,
            ],
            "response?": ["status": .integer, "bytes": .integer],
        ])

    private static let statistics: Schema = [
        "median": .number, "p95": .number, "min": .number, "max": .number, "samples": .list(.number),
    ]
}
