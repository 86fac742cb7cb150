public import ImageFiles
public import Linux
internal import OCI

extension SlimPlan {
    /// Returns the JSON document of `thaw slim` for the image and its slim form; a verified run adds `verification`.
    public func document(after: ImageFiles) -> JSON {
        .object([
            "schemaVersion": .integer(1), "kind": .string("slim"), "before": contents.summary, "after": after.summary,
            "kept": .integer(Int64(keep.count)), "dropped": .integer(Int64(droppedCount)),
            "reasons": .members(reasonCounts.mapValues { .integer(Int64($0)) }),
            "missingLibraries": .strings(missing.map(\.description)),
            "removed": .array(
                removed.map { directory in
                    .object([
                        "path": .string(directory.path.description), "count": .integer(Int64(directory.count)),
                        "bytes": .integer(directory.bytes),
                    ])
                }),
        ])
    }
}

extension ImageFiles {
    /// The summary of an image in a report: sizes are bytes, `size` is that of all files in all layers.
    var summary: JSON {
        .object([
            "digest": .string(image.descriptor.digest.description),
            "platform": .string(image.config.platform.description),
            "size": .integer(tree.inodes.reduce(0) { $0 + $1.kind.size }),
            "compressedSize": .integer(image.compressedSize), "layerCount": .integer(Int64(image.layers.count)),
            "files": .integer(Int64(tree.inodes.count { $0.linkCount > 0 && !$0.kind.isDirectory })),
        ])
    }
}
