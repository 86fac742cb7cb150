public import ColdStart
public import Linux
public import OCI

extension StartComparison {
    /// The verdict and its figures in one sentence.
    public var text: String {
        let figure =
            switch basis {
            case .work: "work and waiting of the entrypoint until the first byte\(parts)"
            case .time: "time to the first request\(total.confidenceText)"
            }
        return "\(total.verdictText): \(total.ratioText) times the \(figure)"
    }

    private var parts: String {
        guard let instructions, let waiting else { return "" }
        return " (\(instructions.before.millionsText) -> \(instructions.after.millionsText) instructions, waiting "
            + "\(waiting.before.medianText) -> \(waiting.after.medianText))"
    }

    /// The member `comparison` of JSON documents.
    public var json: JSON {
        var json = total.json
        json["basis"] = .string(basis.rawValue)
        json["text"] = .string(text)
        json["instructions"] = instructions?.json
        json["waitingMs"] = waiting?.json
        return json
    }
}

extension SampleComparison {
    /// The ratio with three decimals.
    fileprivate var ratioText: String { Self.rounded(ratio, 1000) }

    private static func rounded(_ value: Double, _ factor: Double) -> String {
        value.isFinite ? "\((value * factor).rounded() / factor)" : "\(value)"
    }

    fileprivate var verdictText: String {
        switch verdict {
        case .faster: "faster"
        case .slower: "slower"
        case .same(let percent): "same within \(Self.rounded(percent + 0.005, 100)) %"
        case .unknown(let more): "cannot tell (\(more) more \(more == 1 ? "run" : "runs") of each would)"
        }
    }

    fileprivate var confidenceText: String {
        let count = min(before.samples.count, after.samples.count)
        let runs = count == 1 ? "1 run of each" : "\(count) runs of each"
        guard let interval, let pValue else { return " (\(runs))" }
        let bounds = [interval.lowerBound, interval.upperBound].map { Self.rounded($0, 1000) }
        let range = bounds.joined(separator: " to ")
        return " (95 % interval \(range), p = \(Self.rounded(pValue, 10_000)), \(runs))"
    }

    fileprivate var json: JSON {
        var json = JSON.object([
            "before": .number(before.median), "after": .number(after.median), "ratio": .number(ratio),
            "verdict": .string(verdict.name), "runs": .integer(Int64(min(before.samples.count, after.samples.count))),
        ])
        json["interval95"] = interval.map { .array([.number($0.lowerBound), .number($0.upperBound)]) }
        json["pValue"] = pValue.map(JSON.number)
        switch verdict {
        case .same(let percent): json["withinPercent"] = .number(percent)
        case .unknown(let more): json["moreRuns"] = .integer(Int64(more))
        case .faster, .slower: break
        }
        return json
    }
}

extension SampleComparison.Verdict {
    /// The word of JSON documents.
    fileprivate var name: String {
        switch self {
        case .faster: "faster"
        case .slower: "slower"
        case .same: "same"
        case .unknown: "unknown"
        }
    }
}

extension Statistics {
    /// The median in millions, for people.
    var millionsText: String { "\((median / 1e5).rounded() / 10) M" }
}

extension StartPair {
    /// The document of `thaw boot --format json` with two images.
    ///
    /// - Parameter causes: The causes for which the second does more work.
    public func document(of images: (Image, Image), names: (String, String), causes: [String] = []) -> JSON {
        var json = JSON.document(
            "bootComparison",
            [
                "before": before.document(image: images.0, name: names.0),
                "after": after.document(image: images.1, name: names.1), "comparison": comparison.json,
            ])
        if !causes.isEmpty { json["causes"] = .array(causes.map(JSON.string)) }
        return json
    }

    /// The text of `thaw boot --format text` with two images.
    public func text(names: (String, String), causes: [String] = []) -> String {
        let lines = causes.map { "\n  \($0)" }.joined()
        return "\(names.0)\n\(before.text)\n\n\(names.1)\n\(after.text)\n\n\(comparison.text)\(lines)"
    }
}
