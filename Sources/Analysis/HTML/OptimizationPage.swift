internal import Linux
public import OCI

/// The content of the main job's report: an image before and after, and the results of its checks.
public struct OptimizationPage: Sendable {
    /// An image on one side of the comparison.
    public struct Side: Sendable {
        public var reference: String
        /// The manifest's digest.
        public var digest: Digest
        /// The bytes of regular files in all layers.
        public var size: Int64
        /// The bytes of all layers' blobs.
        public var compressedSize: Int64
        /// The layers, lowest first.
        public var layers: [LayerFacts]
        /// The phases of the start, in order; empty if it was not measured.
        public var phases: [Phase]
        /// The median milliseconds until the response to the first request; nil if not measured.
        public var timeToFirstRequestMs: Double?

        /// Makes a side from a report and the measured start, if any.
        public init(_ report: Report, phases: [Phase] = [], timeToFirstRequestMs: Double? = nil) {
            self.init(
                reference: report.image.reference, digest: report.image.digest, size: report.image.size,
                compressedSize: report.image.compressedSize, layers: report.layers, phases: phases,
                timeToFirstRequestMs: timeToFirstRequestMs)
        }

        /// Makes a side from an image's tree, which needs no contents, and the measured start, if any.
        public init(
            of image: Image, in tree: FileTree, reference: String, phases: [Phase] = [],
            timeToFirstRequestMs: Double? = nil
        ) {
            let waste = Waste(of: tree)
            self.init(
                reference: reference, digest: image.descriptor.digest, size: waste.shippedBytes,
                compressedSize: image.compressedSize, layers: LayerFacts.all(of: image, in: tree, waste),
                phases: phases,
                timeToFirstRequestMs: timeToFirstRequestMs)
        }

        init(
            reference: String, digest: Digest, size: Int64, compressedSize: Int64, layers: [LayerFacts],
            phases: [Phase],
            timeToFirstRequestMs: Double?
        ) {
            self.reference = reference
            self.digest = digest
            self.size = size
            self.compressedSize = compressedSize
            self.layers = layers
            self.phases = phases
            self.timeToFirstRequestMs = timeToFirstRequestMs
        }
    }

    /// A phase of a start.
    public struct Phase: Sendable, Equatable {
        /// The phase's name: `vmm`, `kernel`, `init`, `exec`, `listen`, `firstByte`.
        public var name: String
        /// The median duration in milliseconds.
        public var ms: Double

        public init(name: String, ms: Double) {
            self.name = name
            self.ms = ms
        }
    }

    /// A budget and its result.
    public struct Verdict: Sendable, Equatable {
        /// The budget's name.
        public var budget: String
        /// The limit as text.
        public var limit: String
        /// The measured value as text.
        public var measured: String
        /// True if the budget holds.
        public var holds: Bool

        public init(budget: String, limit: String, measured: String, holds: Bool) {
            self.budget = budget
            self.limit = limit
            self.measured = measured
            self.holds = holds
        }
    }

    /// A probe of both images.
    public struct Check: Sendable, Equatable {
        /// The probe or command.
        public var probe: String
        /// The original's result.
        public var before: String
        /// The changed image's result.
        public var after: String
        /// True if both results are the same.
        public var holds: Bool
        /// The differences, and the values that vary between runs.
        public var remarks: [String]

        public init(probe: String, before: String, after: String, holds: Bool, remarks: [String]) {
            self.probe = probe
            self.before = before
            self.after = after
            self.holds = holds
            self.remarks = remarks
        }
    }

    public var title: String
    /// The original image.
    public var before: Side
    /// The changed image; nil if nothing was changed.
    public var after: Side?
    /// One sentence about the measurement of starts: the engine, and if it was accelerated.
    public var engine = ""
    /// The budgets and their results.
    public var verdicts: [Verdict] = []
    /// The number of files for each reason to keep them.
    public var reasons: [String: Int] = [:]
    /// The number of kept files.
    public var kept = 0
    /// The number of omitted files.
    public var dropped = 0
    /// The probes of both images; empty if there were none.
    public var checks: [Check] = []
    /// The findings in the original image.
    public var findings: [Finding] = []

    /// Makes a page of two sides; the other properties are set afterwards.
    public init(title: String, before: Side, after: Side?) {
        self.title = title
        self.before = before
        self.after = after
    }

    /// The page's HTML.
    public var html: String {
        page(
            title: title,
            [
                "<h1>\(title)</h1><p class=\"sub\">\(engine)</p>\n", tiles, gate,
                section("Start", note: startNote, timeline), section("Layers", note: layerNote, layers), slim, proof,
                section("Findings in the original image", Finding.list(findings)), footer,
            ])
    }
}

// MARK: - Headline

extension OptimizationPage {
    private var tiles: Markup {
        var list = [
            bytes("To pull", before.compressedSize, after?.compressedSize),
            bytes("Unpacked", before.size, after?.size),
        ]
        if before.timeToFirstRequestMs != nil || after?.timeToFirstRequestMs != nil { list.append(start) }
        if !verdicts.isEmpty { list.append(budgets) }
        return "<div class=\"tiles\">\(list)</div>\n"
    }

    private func bytes(_ name: String, _ before: Int64, _ after: Int64?) -> Markup {
        guard let after else { return tile(name, "\(ByteCount(before))", "not changed") }
        return tile(
            name, "<s>\(ByteCount(before)) →</s> \(ByteCount(after))",
            change(Double(before), Double(after), "smaller", "larger"))
    }

    private var start: Markup {
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

    private var budgets: Markup {
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

// MARK: - Gate and slim

extension OptimizationPage {
    private var gate: Markup {
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

    private var slim: Markup {
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

// MARK: - Proof

extension OptimizationPage {
    private var proof: Markup {
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

// MARK: - Start

extension OptimizationPage {
    private var sides: [(name: String, side: Side)] { [("before", before)] + (after.map { [("after", $0)] } ?? []) }

    private var startNote: String { "Phases from power-on to the first byte of the response, medians, to one scale." }

    private var phaseNames: [String] {
        sides.flatMap { $0.side.phases.map(\.name) }.reduce(into: []) { names, name in
            if !names.contains(name), names.count < 50 { names.append(name) }
        }
    }

    private var timeline: [Markup] {
        let totals = sides.map { total(of: $0.side) }
        guard let longest = totals.max(), longest > 0 else { return [] }
        let names = phaseNames
        let bars = zip(sides, totals).map { entry, total -> Markup in
            """
            <div class="time"><div>\(entry.name)</div><div class="bar">\(entry.side.phases.map { segment($0, names, longest) })</div>\
            <div class="amount">\(ms: entry.side.timeToFirstRequestMs ?? total)</div></div>

            """
        }
        let ticks = (0...4).map { tick -> Markup in
            "<span>\(tick == 0 ? "0" : Duration.text(milliseconds: longest * Double(tick) / 4))</span>"
        }
        let key = names.enumerated().map { index, name -> Markup in
            "<span><i class=\"p\(index % 7)\"></i>\(name) \(lengths(of: name))</span>"
        }
        return bars + ["<div class=\"axis\">\(ticks)</div>", "<div class=\"key\">\(key)</div>"]
    }

    private func total(of side: Side) -> Double { side.phases.reduce(0) { $0 + max(0, $1.ms) } }

    private func segment(_ phase: Phase, _ names: [String], _ longest: Double) -> Markup {
        let color = (names.firstIndex(of: phase.name) ?? 0) % 7
        return """
            <i class="p\(color)" style="width:\(share(phase.ms, of: longest))" title="\(phase.name) \(ms: phase.ms)"></i>
            """
    }

    private func lengths(of name: String) -> String {
        sides.compactMap { entry in
            entry.side.phases.first { $0.name == name }.map { Duration.text(milliseconds: $0.ms) }
        }
        .joined(separator: " → ")
    }
}

// MARK: - Layers

extension OptimizationPage {
    private var layerNote: String {
        "Bytes of each layer’s files, to one scale. Hatched: shipped, but visible to no container."
    }

    private var layers: [Markup] {
        let scale = sides.flatMap { $0.side.layers.map(\.size) }.max() ?? 0
        return sides.flatMap { name, side -> [Markup] in
            let facts =
                "\(ByteCount(side.size)) in \(counted(side.layers.count, "layer")), \(ByteCount(side.compressedSize)) to pull"
            let heading: Markup = "<h3>\(name) <code>\(side.reference)</code><span>\(facts)</span></h3>\n"
            return [heading]
                + side.layers.map { layer in
                    BarRow(
                        number: layer.index, label: layer.command, bytes: layer.size, wasted: layer.wastedBytes,
                        remark: "\(ByteCount(layer.compressedSize)) to pull"
                    ).markup(scale: scale)
                }
        }
    }

    private var footer: Markup {
        let lines = sides.map { name, side -> Markup in "\(name) <code>\(side.digest.description)</code><br>" }
        return "<footer>\(lines)</footer>"
    }
}
