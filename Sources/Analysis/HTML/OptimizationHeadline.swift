// The headline of the page of `thaw optimize`: sizes, the start and the budgets.

internal import Linux

extension OptimizationPage {
    var tiles: Markup {
        var list = [
            bytes("To pull", before.compressedSize, after?.compressedSize),
            bytes("Unpacked", before.size, after?.size),
        ]
        if before.timeToFirstRequestMs != nil || after?.timeToFirstRequestMs != nil { list.append(start) }
        if !verdicts.isEmpty { list.append(budgets) }
        return "<div class=\"tiles\">\(list)</div>\n"
    }

    func bytes(_ name: String, _ before: Int64, _ after: Int64?) -> Markup {
        guard let after else { return tile(name, "\(ByteCount(before))", "not changed") }
        return tile(
            name, "<s>\(ByteCount(before)) →</s> \(ByteCount(after))",
            change(Double(before), Double(after), "smaller", "larger"))
    }

    var start: Markup {
        switch (before.timeToFirstRequestMs, after?.timeToFirstRequestMs) {
        case (let old?, let new?):
            tile(
                "First request after", "<s>\(ms: old) →</s> \(ms: new)",
                change(old, new, "sooner", "later"))
        case (let old?, nil): tile("First request after", "\(ms: old)", "only measured before")
        case (nil, let new?): tile("First request after", "\(ms: new)", "only measured after")
        case (nil, nil): ""
        }
    }

    var budgets: Markup {
        let held = verdicts.filter(\.holds).count
        let remark: Markup =
            held == verdicts.count
            ? "<span class=\"up\">all hold</span>" : "<span class=\"down\">\(verdicts.count - held) exceeded</span>"
        return tile("Budgets", "\(held) of \(verdicts.count)", remark)
    }

    private func change(_ before: Double, _ after: Double, _ better: String, _ worse: String) -> Markup {
        guard before > 0, before.isFinite, after.isFinite else { return "" }
        let part = (before - after) / before
        if abs(part) < 0.0005 { return "unchanged" }
        let factor = after > 0 && before / after >= 2 ? ", \(decimal(before / after, digits: 1)) times \(better)" : ""
        let text = part > 0 ? "\(percent(part)) less\(factor)" : "\(percent(-part)) \(worse)"
        return part > 0 ? "<span class=\"up\">\(text)</span>" : "<span class=\"down\">\(text)</span>"
    }
}
