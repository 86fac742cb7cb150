public import Linux
internal import OCI

extension ImageComparison {
    /// The document of `thaw diff --format json`.
    public var json: JSON {
        var json = difference.json
        json["summary"] = .string(headline)
        json["semantic"] = .bool(isSemantic)
        json["before"] = before.json
        json["after"] = after.json
        json["layers"] = .array(layers.map(\.json))
        json["packages"] = .array(packages.map(\.json))
        json["directories"] = .array(directories.map(\.json))
        return json
    }
}

extension ImageComparison.ComparedImage {
    fileprivate var json: JSON {
        .object([
            "reference": .string(name), "digest": .string(digest.description),
            "compressedSize": .integer(compressedSize), "size": .integer(size),
        ])
    }
}

extension LayerChange {
    fileprivate var json: JSON {
        let index = { (layer: LayerFacts?) in layer.map { JSON.integer(Int64($0.index)) } ?? .null }
        return .object([
            "state": .string(state.rawValue), "before": index(before), "after": index(after),
            "createdBy": .string(command), "growth": .integer(growth), "unpackedGrowth": .integer(unpackedGrowth),
        ])
    }
}

extension PackageChange {
    fileprivate var json: JSON {
        .object([
            "manager": .string(manager.rawValue), "name": .string(name), "change": .string(word),
            "before": .strings(before), "after": .strings(after), "growth": .integer(growth),
        ])
    }
}

extension DirectoryChange {
    fileprivate var json: JSON {
        .object([
            "path": .string(path.description), "files": .integer(Int64(files)), "growth": .integer(growth),
        ])
    }
}
