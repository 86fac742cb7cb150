// The budgets, the reasons for keeping files, and the probe results on the page of `thaw optimize`.

extension OptimizationPage {
    var gate: Markup {
        let rows = verdicts.map { verdict -> Markup in
            let pill: Markup =
                verdict.holds
                ? "<span class=\"pill holds\">holds</span>" : "<span class=\"pill broken\">exceeded</span>"
            return """
                <tr><td><code>\(verdict.budget)</code></td><td class="num">\(verdict.limit)</td>\
                <td class="num">\(verdict.measured)</td><td>\(pill)</td></tr>

                """
        }
        if rows.isEmpty { return "" }
        let titles: Markup =
            "<tr><th>Budget</th><th class=\"num\">Limit</th><th class=\"num\">Measured</th><th></th></tr>\n"
        return section("Gate", ["<div class=\"scroll\"><table>\(titles)\(rows)</table></div>"])
    }

    var slim: Markup {
        guard kept > 0 || dropped > 0 else { return "" }
        let all = Double(kept) + Double(dropped)
        let verified: Markup =
            switch checks.isEmpty ? nil : checks.allSatisfy(\.holds) {
            case true?: " <span class=\"pill holds\">same probe results</span>"
            case false?: " <span class=\"pill broken\">probe results differ</span>"
            case nil: ""
            }
        let bar: Markup = """
            <h3>\(grouped(kept)) files kept, \(grouped(dropped)) left out\(verified)</h3>
            <div class="bar"><i style="width:\(share(Double(kept), of: all))"></i></div>

            """
        let most = Double(reasons.values.max() ?? 0)
        let rows = reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { reason, count -> Markup in
            """
            <div class="row"><div class="label">\(reason)</div><div class="bar"><i style="width:\(share(Double(count), of: most))"></i></div>\
            <div class="amount">\(grouped(count))</div></div>

            """
        }
        let heading: Markup =
            rows.isEmpty ? "" : "<h3>Reasons <span>a file may have several</span></h3>\n"
        return section("Kept files", [bar, heading] + rows)
    }
}

extension OptimizationPage {
    var proof: Markup {
        let rows = checks.map { check -> Markup in
            let pill: Markup =
                check.holds ? "<span class=\"pill holds\">same</span>" : "<span class=\"pill broken\">differs</span>"
            let remarks = check.remarks.map { remark -> Markup in "<br>\(remark)" }
            return """
                <tr><td><code>\(check.probe)</code>\(remarks)</td><td>\(check.before)</td>\
                <td>\(check.after)</td><td>\(pill)</td></tr>

                """
        }
        if rows.isEmpty { return "" }
        let titles: Markup = "<tr><th>Probe</th><th>Before</th><th>After</th><th></th></tr>\n"
        return section("Probe results of both images", ["<div class=\"scroll\"><table>\(titles)\(rows)</table></div>"])
    }
}
