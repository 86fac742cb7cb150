/// The schemas of documents about the store, builds and this machine.
extension Schemas {
    static let images = Schema.document(
        "images",
        [
            "images": .list([
                "name": .string, "id": .string, "digest": .string, "compressedSize": .integer,
                "platforms": .list(.string),
            ])
        ])

    static let inspection = Schema.document(
        "inspection",
        [
            "name": .string, "id": .string, "digest": .string, "mediaType": .string, "platform": .string,
            "compressedSize": .integer, "manifest": .any, "config": .any, "verified?": .bool,
            "attestations?": .list(["digest": .string, "predicateTypes": .list(.string)]),
        ])

    static let diskUse = Schema.document(
        "diskUse",
        [
            "totalBytes": .integer, "images": share, "layers": share, "steps": share, "unpackedLayers": share,
            "indexes": share, "cacheMounts": share, "unneeded": share, "unreadable?": .list(.string),
        ])

    private static let share: Schema = ["count": .integer, "bytes": .integer]

    static let caches = Schema.document(
        "caches",
        ["caches": .list(["id": .string, "from": .string, "size": .integer, "lastUsed": .string])])

    static let doctor = Schema.document(
        "doctor",
        ["findings": .list(["name": .string, "available": .bool, "detail": .string, "remedy?": .string])])

    /// A step of a build.
    static let step: Schema = [
        "stage": .string, "line": .integer, "instruction": .string, "cached": .bool, "reason": .string,
        "durationMs": .number,
        "changes?": .list(["input": .string, "before?": .string, "after?": .string]),
    ]

    /// The file of `--metadata-file`, whose keys are those of buildx.
    static let buildMetadata: Schema = [
        "containerimage.digest": .string, "containerimage.config.digest?": .string,
        "containerimage.descriptor": .any, "image.name?": .string, "buildx.build.provenance?": .any,
        "thaw.steps": .list(step),
    ]

    static let check = Schema.list([
        "rule": .string, "severity": .words(["error", "warning", "info", "style"]), "message": .string,
        "file": .string, "startLine": .integer, "endLine": .integer, "fix": .nullable(.string),
        "otherNames": .list(.string), "automatic": .bool,
    ])

    static let targets: Schema = [
        "targets": .list([
            "name": .string, "base": .string, "default": .bool, "line": .integer, "description?": .string,
            "platform?": .string,
        ])
    ]

    static let outline: Schema = [
        "name": .string, "description?": .string,
        "args": .list(["name": .string, "line": .integer, "value?": .string, "description?": .string]),
        "secrets": .list(credential), "ssh": .list(credential),
    ]

    private static let credential: Schema = ["name": .string, "required": .bool, "line": .integer]
}
