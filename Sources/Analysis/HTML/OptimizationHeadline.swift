// The headline of the page of `thaw optimize`: sizes, the start and the budgets.

internal import Linux

extension OptimizationPage {
    var tiles: Markup {
        var list = [
            bytes("To pull", before: before.compressedSize, after: after?.compressedSize),
            bytes("Unpacked", before: before.size, after: after?.size),
        ]
        if before.timeToFirstRequestMs != nil || after?.timeToFirstRequestMs != nil { list.append(start) }
        if !verdicts.isEmpty { list.append(budgets) }
        return "<div class=\"tiles\">\(list)</div>\n"
    }

    func bytes(_ name: String, before: Int64, after: Int64?) -> Markup {
        guard let after else { return tile(name, value: "\(ByteCount(before))", remark: "not changed") }
        return tile(
            name, value: "<s>\(ByteCount(before)) →</s> \(ByteCount(after))",
            remark: change(from: Double(before), to: Double(after), better: "smaller", worse: "larger"))
    }

    var start: Markup {
        switch (before.timeToFirstRequestMs, after?.timeToFirstRequestMs) {
        case (let old?, let new?):
            tile(
                "First request after", value: "<s>\(ms: old) →</s> \(ms: new)",
                remark: startRemark)
        case (let old?, nil): tile("First request after", value: "\(ms: old)", remark: "only measured before")
        case (nil, let new?): tile("First request after", value: "\(ms: new)", remark: "only measured after")
        case (nil, nil): ""
        }
    }

    /// The verdict; a difference of two times says nothing without one.
    private var startRemark: Markup {
        guard let startVerdict else { return "no verdict: these times can't be compared" }
        return switch startVerdict.isFaster {
        case true?: "<span class=\"up\">\(startVerdict.text)</span>"
        case false?: "<span class=\"down\">\(startVerdict.text)</span>"
        case nil: "\(startVerdict.text)"
        }
    }

    var budgets: Markup {
        let held = verdicts.filter(\.holds).count
        let remark: Markup =
            held == verdicts.count
            ? "<span class=\"up\">all hold</span>" : "<span class=\"down\">\(verdicts.count - held) exceeded</span>"
        return tile("Budgets", value: "\(held) of \(verdicts.count)", remark: remark)
    }

    private func change(from before: Double, to after: Double, better: String, worse: String) -> Markup {
        guard before > 0, before.isFinite, after.isFinite else { return "" }
        let part = (before - after) / before
        if abs(part) < 0.0005 { return "unchanged" }
        let factor = after > 0 && before / after >= 2 ? ", \(decimal(before / after, digits: 1)) times \(better)" : ""
        let text = part > 0 ? "\(percent(part)) less\(factor)" : "\(percent(-part)) \(worse)"
        return part > 0 ? "<span class=\"up\">\(text)</span>" : "<span class=\"down\">\(text)</span>"
    }
}
