internal import Linux
public import OCI

/// The content of the main job's report: an image before and after, and the results of its checks.
public struct OptimizationPage: Sendable {
    /// An image on one side of the comparison.
    public struct PageImage: Sendable {
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
        public var phases: [PhaseTimes]
        /// The median milliseconds until the response to the first request; nil if not measured.
        public var timeToFirstRequestMs: Double?

        /// Makes a side from a report and the measured start, if any.
        public init(_ report: Report, phases: [PhaseTimes] = [], timeToFirstRequestMs: Double? = nil) {
            self.init(
                reference: report.image.reference, digest: report.image.digest, size: report.image.size,
                compressedSize: report.image.compressedSize, layers: report.layers, phases: phases,
                timeToFirstRequestMs: timeToFirstRequestMs)
        }

        /// Makes a side from an image's tree, which needs no contents, and the measured start, if any.
        public init(
            of image: Image, in tree: FileTree, reference: String, phases: [PhaseTimes] = [],
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
            phases: [PhaseTimes],
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
    public struct PhaseTimes: Sendable, Equatable {
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
    public struct BudgetLine: Sendable, Equatable {
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
    public struct ComparedProbe: Sendable, Equatable {
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

    /// The verdict on two starts.
    public struct StartVerdict: Sendable {
        /// The sentence.
        public var text: String
        /// True if the changed image is faster, false if it is slower, nil if neither is known.
        public var isFaster: Bool?

        public init(text: String, isFaster: Bool?) {
            self.text = text
            self.isFaster = isFaster
        }
    }

    public var title: String
    /// The original image.
    public var before: PageImage
    /// The changed image; nil if nothing was changed.
    public var after: PageImage?
    /// One sentence about the measurement of starts: the engine, and if it was accelerated.
    public var engine = ""
    /// The verdict on the two starts; nil if their times can't be compared.
    public var startVerdict: StartVerdict?
    /// The budgets and their results.
    public var verdicts: [BudgetLine] = []
    /// The number of files for each reason to keep them.
    public var reasons: [String: Int] = [:]
    /// The number of kept files.
    public var kept = 0
    /// The number of omitted files.
    public var dropped = 0
    /// The probes of both images; empty if there were none.
    public var checks: [ComparedProbe] = []
    /// The largest causes of the original's work until the first byte; empty if they are not known.
    public var causes: [FlameGraphPage.CostedCause] = []
    /// The findings in the original image.
    public var findings: [Finding] = []

    /// Makes a page of two sides; the other properties are set afterwards.
    public init(title: String, before: PageImage, after: PageImage?) {
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
                section("Start", note: startNote, timeline),
                section("Causes of the original's start", note: causeNote, FlameGraphPage.CostedCause.list(causes)),
                section("Layers", note: layerNote, layers), slim, proof,
                section("Findings in the original image", Finding.list(findings)), footer,
            ])
    }
}
