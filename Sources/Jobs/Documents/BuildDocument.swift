public import Build
public import Linux
internal import OCI

extension BuildResult {
    /// The member `build` of `report.json`.
    public var summary: JSON {
        .object([
            "containerimage.digest": .string("\(image.descriptor.digest)"), "thaw.steps": .array(steps.map(\.json)),
        ])
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
