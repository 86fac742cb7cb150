public import Analysis
public import ColdStart
public import Linux
public import OCI
public import Proof
public import Slim

/// The result of an ``OptimizeJob``.
public struct Optimization: Sendable {
    /// An image with its analysis and its measured start.
    public struct MeasuredImage: Sendable {
        /// The image.
        public let image: Image
        /// The analysis.
        public let report: Report
        /// The measured start.
        public let start: StartMeasurement
    }

    /// The name of the original, for people.
    public let name: String
    /// The name of the slim image; nil if it gets none.
    public let slimName: String?
    /// The original.
    public let before: MeasuredImage
    /// The slim image.
    public let after: MeasuredImage
    /// The plan of the slim image.
    public let plan: SlimPlan
    let slimDocument: JSON
    /// The cures that were tried, in order.
    public let cures: [CureResult]
    /// The starts of both, in turns.
    public let pair: StartPair
    /// The counted starts of both; nil if the time is a real machine's, or the work can't be counted here.
    public let countedPair: StartPair?
    /// The work of the original's start by cause; nil if the engine reports none.
    public let profile: WorkProfile?
    /// The comparison of the probe results.
    public let verification: Verification
    /// The comparison with the budgets.
    public let verdict: BudgetVerdict

    /// The document `report.json`, without the member `build` of an image that was built.
    public var document: JSON {
        .document(
            "optimization",
            [
                "analysis": before.report.json, "slim": slimDocument, "gate": verdict.document,
                "boot": boot, "cures": .array(cures.map(\.json)),
            ])
    }

    private var boot: JSON {
        var json = members(of: pair)
        json["counted"] = countedPair.map(members)
        return json
    }

    private func members(of pair: StartPair) -> JSON {
        .object([
            "before": pair.before.document(image: before.image, name: name),
            "after": pair.after.document(image: after.image, name: slimName ?? "slim"),
            "comparison": pair.comparison.json,
        ])
    }

    /// The comparison that has the verdict: of counted work where the time is an emulator's.
    public var startVerdict: StartComparison? {
        countedPair?.comparison ?? (pair.isEmulatedTime ? nil : pair.comparison)
    }

    /// Returns the text for people.
    ///
    /// - Parameter report: The path of the page with the whole comparison.
    public func summary(report: String) -> String {
        let (first, second) = (before.start.timeToFirstRequest, after.start.timeToFirstRequest)
        let how = pair.isEmulatedTime ? "; this time says nothing about real machines" : ""
        let lines: [String] = [
            "size   \(ByteCount(before.image.compressedSize)) -> \(ByteCount(after.image.compressedSize)) compressed",
            "start  \(first.medianText) -> \(second.medianText) to the first request (\(before.start.engineSentence)\(how))",
            startVerdict.map { "verdict \($0.text)" },
            "report \(report)",
        ].compactMap(\.self)
        let tried = cures.filter { $0.decision != .inapplicable }.map { "cure   \($0.text)" }
        return (lines + tried + (verdict.rows.isEmpty ? [] : [verdict.text])).joined(separator: "\n")
    }

    /// The page `report.html`.
    public var page: OptimizationPage {
        var page = OptimizationPage(title: name, before: before.page, after: after.page)
        page.engine = before.start.engineSentence
        page.startVerdict = startVerdict.map { comparison in
            let isFaster: Bool? =
                switch comparison.verdict {
                case .faster: true
                case .slower: false
                case .same, .unknown: nil
                }
            return OptimizationPage.StartVerdict(text: comparison.text, isFaster: isFaster)
        }
        page.verdicts = verdict.rows.map {
            OptimizationPage.BudgetLine(
                budget: $0.name, limit: $0.limitText, measured: $0.measuredText, holds: $0.holds)
        }
        page.reasons = plan.reasonCounts
        page.kept = plan.keep.count
        page.dropped = plan.droppedCount
        page.checks = verification.checks.map {
            OptimizationPage.ComparedProbe(
                probe: $0.probe, before: $0.before, after: $0.after ?? "", holds: $0.passed,
                remarks: $0.differences.map(\.description) + $0.unstable.map { "\($0) changes at every start" })
        }
        page.findings = before.report.findings
        page.causes = profile?.pageCauses(isCounted: countedPair != nil) ?? []
        return page
    }
}

extension Optimization.MeasuredImage {
    fileprivate var page: OptimizationPage.PageImage {
        OptimizationPage.PageImage(
            report,
            phases: start.phases.map {
                OptimizationPage.PhaseTimes(name: $0.name.rawValue, ms: $0.milliseconds.median)
            },
            timeToFirstRequestMs: start.timeToFirstRequest.median)
    }
}
