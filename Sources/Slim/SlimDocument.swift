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
            "level": .string(level.rawValue), "paths": paths,
            "vainIncludes": .strings(vainIncludes), "missingLibraries": .strings(missing.map(\.description)),
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

extension SlimPlan {
    /// All paths: the kept ones with their reason and its cause, the dropped ones with class, package and layer.
    private var paths: JSON {
        var kept: [JSON] = []
        contents.tree.walk { path, node in
            guard let reason = chains.reason(of: node) else { return }
            var entry = JSON.object(["path": .string(path.description), "reason": .string(reason.name)])
            entry["by"] = chains.cause(of: reason, before: node).map { .string(contents.tree.path(of: $0).description) }
            kept.append(entry)
        }
        let dropped = droppedNodes.map { path, node in
            let reason = dropReason(of: node, at: path)
            return JSON.object([
                "path": .string(path.description), "class": .string(reason.kind.rawValue),
                "package": reason.package.map(JSON.string) ?? .null,
                "layer": .integer(Int64(contents.tree.inode(of: node).layer)),
            ])
        }
        return .object(["kept": .array(kept), "dropped": .array(dropped)])
    }
}

extension ImageFiles {
    /// The summary of an image in a report: sizes are bytes, `size` is that of all files in all layers.
    public var summary: JSON {
        .object([
            "digest": .string(image.descriptor.digest.description),
            "platform": .string(image.config.platform.description),
            "size": .integer(tree.inodes.reduce(0) { $0 + $1.kind.size }),
            "compressedSize": .integer(image.compressedSize), "layerCount": .integer(Int64(image.layers.count)),
            "files": .integer(Int64(tree.inodes.count { $0.linkCount > 0 && !$0.kind.isDirectory })),
        ])
    }
}
