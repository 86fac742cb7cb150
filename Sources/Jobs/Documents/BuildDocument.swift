public import Build
public import Linux
public import OCI

extension BuildResult {
    /// The member `build` of `report.json`.
    public var summary: JSON {
        .object([
            "containerimage.config.digest": .string("\(image.manifest.config.digest)"),
            "containerimage.digest": .string("\(image.descriptor.digest)"), "thaw.steps": .array(steps.map(\.json)),
        ])
    }
}

extension JSON {
    /// Returns the document of `thaw build --metadata-file`.
    ///
    /// - Parameters:
    ///   - set: The image or index.
    ///   - config: The digest of the image's configuration; nil for several images.
    ///   - more: Further members.
    public static func buildMetadata(
        of set: ImageSet, config: Digest?, _ steps: [StepReport], names: [Reference], more: [String: JSON] = [:]
    ) -> JSON {
        var json = JSON.object([
            "containerimage.digest": .string("\(set.descriptor.digest)"),
            "containerimage.descriptor": set.descriptor.json, "thaw.steps": .array(steps.map(\.json)),
        ])
        json["containerimage.config.digest"] = config.map { .string("\($0)") }
        for (key, value) in more { json[key] = value }
        if !names.isEmpty { json["image.name"] = .string(names.map(\.description).joined(separator: ",")) }
        return json
    }
}

extension BuildWarning {
    /// The warning in the JSON lines of a build's progress.
    public var json: JSON {
        .object(["rule": .string(rule), "line": .integer(Int64(line)), "message": .string(message)])
    }
}

extension StepReport {
    /// The step in `--metadata-file` and in the report.
    public var json: JSON {
        var json = JSON.object([
            "stage": .string(stage), "line": .integer(Int64(line)), "instruction": .string(instruction),
            "cached": .bool(isCached), "reason": .string(reason), "durationMs": .number(duration.inMilliseconds),
        ])
        if let changes = missReason?.changes, !changes.isEmpty { json["changes"] = .array(changes.map(\.json)) }
        return json
    }
}

extension StepChange {
    /// The changed input; `before` and `after` are absent if it had or has no value.
    fileprivate var json: JSON {
        var json = JSON.object(["input": .string(input)])
        if let before { json["before"] = .string(before) }
        if let after { json["after"] = .string(after) }
        return json
    }
}
