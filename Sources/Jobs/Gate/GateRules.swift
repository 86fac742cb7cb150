internal import Analysis
internal import Frontend
internal import ImageFiles
internal import Linux
internal import OCI
internal import Project

/// The rules of a budget for the facts of an image, each with the largest parts of its figure.
struct GateRules {
    let budget: ProjectFile.Budget
    let facts: BudgetFacts
    let baseline: GateBaseline?
    /// The known vulnerabilities; nil without a database.
    var scan: VulnerabilityScan?

    /// The rules besides those of ``BudgetVerdict``.
    var own: [GateRule] {
        [
            largestLayer, growth, wasteRatio, leftovers, duplicates, secrets, setuid, vulnerabilities, root,
            healthcheck, forbiddenPackages,
        ].compactMap { $0 }
    }

    /// Returns the rule of a row, with its causes.
    func rule(_ row: BudgetVerdict.BudgetResult) -> GateRule {
        GateRule(
            row.name, row.unit, limit: row.limit, measured: row.measured, causes: causes(of: row.name),
            summary: row.summary)
    }

    private func causes(of name: String) -> [GateRule.Cause] {
        switch name {
        case "size": layers(by: \.compressedSize)
        case "unpacked": layers(by: \.size)
        case "layers": smallestLayers
        case "waste": waste
        default: []
        }
    }
}

// MARK: - Causes

extension GateRules {
    /// Returns the name of a layer: `layer 3 (RUN pip install)`.
    private func name(_ layer: Int) -> String {
        let command = facts.layers.indices.contains(layer) ? facts.layers[layer].command : ""
        let shown = command.count > 60 ? command.prefix(59) + "…" : command[...]
        let owner = facts.base.owner(of: layer) == .base ? " of the base" : ""
        return "layer \(layer)\(owner)" + (shown.isEmpty ? "" : " (\(shown))")
    }

    private func cause(_ layer: LayerFacts, _ bytes: Int64) -> GateRule.Cause {
        GateRule.Cause("\(ByteCount(bytes))", name(layer.index), layer: layer.index)
    }

    private func layers(by size: (LayerFacts) -> Int64) -> [GateRule.Cause] {
        facts.layers.sorted { size($0) > size($1) }.prefix(3).map { cause($0, size($0)) }
    }

    /// The layers that are joined with others most easily.
    private var smallestLayers: [GateRule.Cause] {
        facts.layers.sorted { $0.compressedSize < $1.compressedSize }.prefix(3).map { cause($0, $0.compressedSize) }
    }

    private var waste: [GateRule.Cause] {
        facts.waste.items.prefix(3).map { item in
            let layer = item.copies.first?.layer
            let place = layer.map { " in \(name($0))" } ?? ""
            return GateRule.Cause(
                "\(ByteCount(item.bytes))", "\(item.path), \(item.kind.rawValue)\(place)", layer: layer)
        }
    }

    private func cause(_ path: ImagePath) -> GateRule.Cause {
        let layer = facts.tree.inode(at: path)?.layer
        return GateRule.Cause("", "\(path)" + (layer.map { " in \(name($0))" } ?? ""), layer: layer)
    }
}

// MARK: - Rules

extension GateRules {
    private var largestLayer: GateRule? {
        guard let limit = budget.largestLayer else { return nil }
        let largest = facts.layers.max { $0.compressedSize < $1.compressedSize }
        return GateRule(
            "largest-layer", .bytes, limit: Double(limit.bytes), measured: Double(largest?.compressedSize ?? 0),
            causes: largest.map { [cause($0, $0.compressedSize)] + files(of: $0.index) } ?? [])
    }

    /// The largest two files of a layer.
    private func files(of layer: Int) -> [GateRule.Cause] {
        let inodes = facts.tree.inodes.filter { $0.layer == layer && $0.kind.size > 0 }
        return inodes.sorted { $0.kind.size > $1.kind.size }.prefix(2).map {
            GateRule.Cause("\(ByteCount($0.kind.size))", "\($0.path), unpacked", layer: layer)
        }
    }

    private var growth: GateRule? {
        guard let limit = budget.growth else { return nil }
        guard let baseline else {
            let bound: Double =
                switch limit {
                case .bytes(let count): Double(count.bytes);
                case .part(let part): part
                }
            return GateRule("growth", limit: bound, inconclusive: "there is no baseline; add --baseline FILE|REF")
        }
        let (now, before) = (facts.image.compressedSize, baseline.compressedSize)
        let grown = now - before
        let bytes = "\(grown > 0 ? "+" : "")\(ByteCount(grown)) against \(baseline.name)"
        switch limit {
        case .bytes(let count):
            return GateRule(
                "growth", .bytes, limit: Double(count.bytes), measured: Double(grown), causes: newLayers(baseline),
                summary: "\(bytes); the limit is \(count)")
        case .part(let part):
            guard before > 0 else {
                return GateRule("growth", limit: part, inconclusive: "the baseline \(baseline.name) is empty")
            }
            let ratio = Double(grown) / Double(before)
            return GateRule(
                "growth", .part, limit: part, measured: ratio, causes: newLayers(baseline),
                summary: "\(bytes) (\(BudgetVerdict.Unit.part.text(ratio))); the limit is "
                    + BudgetVerdict.Unit.part.text(part))
        }
    }

    /// The largest layers that the baseline doesn't have.
    private func newLayers(_ baseline: GateBaseline) -> [GateRule.Cause] {
        let new = facts.layers.filter { !baseline.layers.contains($0.diffID) }
        return new.sorted { $0.compressedSize > $1.compressedSize }.prefix(3).map { cause($0, $0.compressedSize) }
    }

    private var wasteRatio: GateRule? {
        budget.wasteRatio.map { limit in
            GateRule("waste-ratio", .part, limit: limit, measured: 1 - facts.waste.efficiency, causes: waste)
        }
    }

    private var leftovers: GateRule? {
        budget.leftovers.map { limit in
            GateRule(
                "leftovers", .bytes, limit: Double(limit.bytes),
                measured: Double(facts.leftovers.reduce(0) { $0 &+ $1.bytes }),
                causes: facts.leftovers.prefix(3).map { group in
                    GateRule.Cause(
                        "\(ByteCount(group.bytes))", "\(group.what) in \(name(group.layer)), such as \(group.largest)",
                        layer: group.layer)
                })
        }
    }

    private var duplicates: GateRule? {
        guard let limit = budget.duplicates, let contents = facts.contents else { return nil }
        return GateRule(
            "duplicates", .bytes, limit: Double(limit.bytes),
            measured: Double(contents.duplicates.reduce(0) { $0 &+ $1.bytes }),
            causes: contents.duplicates.prefix(3).map { duplicate in
                let paths = duplicate.paths.prefix(2).map(\.description).joined(separator: " = ")
                return GateRule.Cause(
                    "\(ByteCount(duplicate.bytes))", paths,
                    layer: duplicate.layers.count == 1 ? duplicate.layers[0] : nil)
            })
    }

    private var secrets: GateRule? {
        guard let limit = budget.secrets, let contents = facts.contents else { return nil }
        return GateRule(
            "secrets", .count, limit: Double(limit), measured: Double(contents.secrets.count),
            causes: contents.secrets.prefix(3).map { secret in
                let line = secret.line.map { ":\($0)" } ?? ""
                return GateRule.Cause("", "\(secret.rule) in \(secret.path)\(line)", layer: secret.layer)
            })
    }

    private var setuid: GateRule? {
        budget.setuid.map { limit in
            GateRule(
                "setuid", .count, limit: Double(limit), measured: Double(facts.setuidFiles.count),
                causes: facts.setuidFiles.prefix(3).map(cause))
        }
    }

    /// The vulnerabilities beyond the limits of their severities; the figure is their number.
    private var vulnerabilities: GateRule? {
        guard !budget.vulnerabilities.isEmpty else { return nil }
        guard let scan else {
            return GateRule("vulnerabilities", limit: 0, inconclusive: "there is no database; add --db DIR|ZIP")
        }
        var (excess, counts, causes): (Int, [String], [GateRule.Cause]) = (0, [], [])
        for limit in budget.vulnerabilities {
            let matches = scan.matches.filter { $0.severity.rawValue == limit.severity }
            counts.append("\(matches.count) \(limit.severity) of \(limit.count)")
            guard matches.count > limit.count else { continue }
            excess += matches.count - limit.count
            causes += matches.prefix(3).map(cause)
        }
        return GateRule(
            "vulnerabilities", .count, limit: 0, measured: Double(excess), causes: causes,
            summary: counts.joined(separator: ", "))
    }

    private func cause(_ match: VulnerabilityScan.VulnerablePackage) -> GateRule.Cause {
        let (package, fix) = (match.package, match.fixed.map { "fixed in \($0)" } ?? "not fixed yet")
        return GateRule.Cause(
            "", "\(match.id) in \(package.name) \(package.version), \(fix), in \(name(package.layer))",
            layer: package.layer)
    }

    private var root: GateRule? {
        guard budget.forbidsRoot else { return nil }
        return GateRule(
            "root", .count, limit: 0, measured: facts.runsAsRoot ? 1 : 0,
            causes: facts.runsAsRoot ? [GateRule.Cause("", "no USER other than root in the configuration")] : [],
            summary: facts.runsAsRoot ? "the program runs as root" : "the program runs as \(facts.image.config.user)")
    }

    private var healthcheck: GateRule? {
        guard budget.needsHealthcheck else { return nil }
        let test = facts.image.config.healthcheck?["Test"]?.strings ?? []
        let isMissing = test.isEmpty || test == ["NONE"]
        return GateRule(
            "healthcheck", .count, limit: 0, measured: isMissing ? 1 : 0,
            summary: isMissing ? "the image has no HEALTHCHECK" : "the image has a HEALTHCHECK")
    }

    private var forbiddenPackages: GateRule? {
        guard !budget.forbiddenPackages.isEmpty, let contents = facts.contents else { return nil }
        let patterns = budget.forbiddenPackages.compactMap { PathPattern($0.utf8) }
        let found = contents.packages.filter { package in
            patterns.contains { $0.matches(package.name.utf8) }
        }
        return GateRule(
            "forbidden-packages", .count, limit: 0, measured: Double(found.count),
            causes: found.prefix(3).map { package in
                GateRule.Cause(
                    "\(ByteCount(package.bytes))",
                    "\(package.name) \(package.version) (\(package.manager.rawValue)) in \(name(package.layer))",
                    layer: package.layer)
            },
            summary: found.isEmpty
                ? "none of \(budget.forbiddenPackages.joined(separator: ", "))"
                : "\(found.count) of the packages are forbidden")
    }
}
