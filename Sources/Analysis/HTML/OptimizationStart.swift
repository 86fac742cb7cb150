// The phases of both starts on the page of `thaw optimize`.

internal import Linux

extension OptimizationPage {
    var sides: [(name: String, side: PageImage)] { [("before", before)] + (after.map { [("after", $0)] } ?? []) }

    var startNote: String { "Phases from power-on to the first byte of the response, medians, to one scale." }

    var causeNote: String { "Processor time until the first byte of the response, by samples of one further start." }

    private var phaseNames: [String] {
        sides.flatMap { $0.side.phases.map(\.name) }.reduce(into: []) { names, name in
            if !names.contains(name), names.count < 50 { names.append(name) }
        }
    }

    var timeline: [Markup] {
        let totals = sides.map { total(of: $0.side) }
        guard let longest = totals.max(), longest > 0 else { return [] }
        let names = phaseNames
        let bars = zip(sides, totals).map { entry, total -> Markup in
            """
            <div class="time"><div>\(entry.name)</div><div class="bar">\(entry.side.phases.map { segment($0, names: names, longest: longest) })</div>\
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

    private func total(of side: PageImage) -> Double { side.phases.reduce(0) { $0 + max(0, $1.ms) } }

    private func segment(_ phase: PhaseTimes, names: [String], longest: Double) -> Markup {
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
