public import Linux
internal import OCI

extension Report {
    /// The document that `thaw analyze --format json` prints.
    public var json: JSON {
        var json = ownJSON
        guard let dive else { return json }
        json["inefficientFiles"] = .array(
            dive.items.map { item in
                .object([
                    "path": .string(item.path.description), "count": .integer(Int64(item.count)),
                    "bytes": .integer(item.bytes),
                ])
            })
        return json
    }

    private var ownJSON: JSON {
        .object([
            "schemaVersion": .integer(1), "kind": .string("analysis"), "image": image.json,
            "metric": .string(dive == nil ? "thaw" : "dive"),
            "efficiency": .number(efficiency), "wastedBytes": .integer(wastedBytes),
            "userWastedPercent": .number(dive.map { $0.userWastedPercent ?? 0 } ?? waste.userWastedPercent),
            "wastedBytesBySide": .object([
                "base": .optional(wastedBySide?.base), "user": .optional(wastedBySide?.yours),
            ]),
            "base": base.json, "layers": .array(layers.map { $0.json(base) }),
            "largestFiles": .array(largestFiles.map { .members($0.members) }),
            "largestDirectories": .array(largestDirectories.map(\.json)),
            "waste": .array(waste.items.map(\.json)),
            "duplicates": .array(duplicates.map(\.json)), "packages": .array(packages.map(\.json)),
            "secrets": .array(secrets.map(\.json)), "allowedSecrets": .integer(Int64(allowedSecrets)),
            "findings": .array(findings.map(\.json)),
        ])
    }
}

extension JSON {
    fileprivate static func optional(_ value: (some BinaryInteger)?) -> JSON {
        value.map { .integer(Int64($0)) } ?? .null
    }

    fileprivate static func optional(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }

    fileprivate static func paths(_ paths: [ImagePath]) -> JSON { .strings(paths.map(\.description)) }

    fileprivate static func numbers(_ numbers: [Int]) -> JSON { .array(numbers.map { .integer(Int64($0)) }) }
}

extension Report.ImageSummary {
    /// The image's part of the document.
    public var json: JSON {
        .object([
            "reference": .string(reference), "digest": .string(digest.description),
            "platform": .string(platform.description), "size": .integer(size),
            "compressedSize": .integer(compressedSize), "layerCount": .integer(Int64(layerCount)),
        ])
    }
}

extension BaseImage {
    /// The base's part of the document.
    fileprivate var json: JSON {
        .object([
            "name": .optional(name), "digest": .optional(digest?.description), "layerCount": .optional(layerCount),
            "evidence": .optional(evidence?.rawValue),
        ])
    }
}

extension LayerFacts {
    fileprivate func json(_ base: BaseImage) -> JSON {
        .object([
            "index": .integer(Int64(index)), "owner": .string(base.owner(of: index).rawValue),
            "digest": .string(digest.description),
            "diffID": .string(diffID.description),
            "size": .integer(size), "compressedSize": .integer(compressedSize), "createdBy": .string(createdBy),
            "source": .optional(source),
            "wastedBytes": .integer(wastedBytes),
            "files": .object([
                "added": .integer(Int64(files.added)), "modified": .integer(Int64(files.modified)),
                "removed": .integer(Int64(files.removed)),
            ]),
        ])
    }
}

extension Waste.WastedPath {
    fileprivate var json: JSON {
        .object([
            "path": .string(path.description), "count": .integer(Int64(copies.count)), "bytes": .integer(bytes),
            "layers": .numbers(layers), "class": .string(kind.rawValue),
            "compressedBytes": .optional(compressedBytes), "copies": .array(copies.map(\.json)),
        ])
    }
}

extension Waste.WastedCopy {
    fileprivate var json: JSON {
        .object([
            "layer": .integer(Int64(layer)), "takenBy": .integer(Int64(hiddenBy)), "class": .string(kind.rawValue),
            "bytes": .integer(bytes), "compressedBytes": .optional(compressedBytes),
        ])
    }
}

extension Duplicate {
    fileprivate var json: JSON {
        .object([
            "digest": .string(digest.description), "bytes": .integer(bytes), "layers": .numbers(layers),
            "compressedBytes": .optional(compressedBytes),
            "paths": .paths(paths),
        ])
    }
}

extension Package {
    fileprivate var json: JSON {
        .object([
            "manager": .string(manager.rawValue), "name": .string(name), "version": .string(version),
            "bytes": .integer(bytes), "layer": .integer(Int64(layer)), "license": .optional(license),
        ])
    }
}

extension FoundSecret {
    fileprivate var json: JSON {
        .object([
            "rule": .string(rule), "path": .string(path), "layer": .optional(layer), "line": .optional(line),
            "deletedLater": .bool(deletedLater), "fingerprint": .string(fingerprint),
        ])
    }
}

extension Finding {
    /// The finding's part of the document.
    public var json: JSON {
        .object([
            "id": .string(id), "severity": .string(severity.rawValue), "message": .string(message),
            "bytes": .integer(bytes), "compressedBytes": .integer(compressedBytes), "layer": .optional(layer),
            "fix": .string(fix), "paths": .paths(paths), "owner": .optional(owner?.rawValue),
        ])
    }
}
