import Analysis
import ArgumentParser
import ColdStart
import Linux
import OCI
import Project
import SystemPackage

/// The command `thaw gate`.
struct Gate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check an image against the budgets in thaw.toml.",
        discussion: """
            The exit status is 2 if the image exceeds a budget.
            Example: thaw gate --config thaw.toml app:latest
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: BootOptions
    @Option(help: ArgumentHelp("File with the budgets. (default: ./thaw.toml)", valueName: "file")) var config: String?
    @Option(help: "Output format.") var format: OutputFormat = .text
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    func run() async throws {
        let project = try project(config ?? "thaw.toml", beside: ".")
        guard !project.budget.isEmpty else {
            throw Failure("\(config ?? "thaw.toml") has no [budget]", status: .usage)
        }
        let store = try global.store()
        let image = try await image.image(in: store)
        let tree = try await store.tree(of: image)
        var start: Double?
        if project.budget.start != nil {
            start = try await BootJob(options, project).measure(image, in: store).timeToFirstRequest.median
        }
        let verdict = BudgetVerdict(project.budget, image, Waste(of: tree), start: start)
        switch format {
        case .text: Terminal.print(verdict.text)
        case .json: Terminal.print(verdict.document)
        }
        if !verdict.holds { throw ExitCode(CommandStatus.gateBroken.rawValue) }
    }
}

/// The budgets of a project and the figures of an image.
struct BudgetVerdict {
    /// One budget with its limit and the measured value.
    struct Row {
        let name: String
        let metric: BudgetMetric
        let limit: Double
        let measured: Double

        /// True if the measured value is at most the limit.
        var holds: Bool { measured <= limit }
    }

    let rows: [Row]

    init(_ budget: ProjectFile.Budget, _ image: Image, _ waste: Waste, start: Double?) {
        var rows: [Row] = []
        func add(_ name: String, _ metric: BudgetMetric, _ limit: Double?, _ measured: Double?) {
            guard let limit, let measured else { return }
            rows.append(Row(name: name, metric: metric, limit: limit, measured: measured))
        }
        add("size", .compressedSize, budget.size.map { Double($0.bytes) }, Double(image.compressedSize))
        add("unpacked", .size, budget.unpacked.map { Double($0.bytes) }, Double(waste.shippedBytes))
        add("layers", .layers, budget.layers.map(Double.init), Double(image.layers.count))
        add("waste", .wastedBytes, budget.waste.map { Double($0.bytes) }, Double(waste.wastedBytes))
        add("start", .timeToFirstRequestMs, budget.start?.milliseconds, start)
        self.rows = rows
    }

    /// True if every budget holds.
    var holds: Bool { rows.allSatisfy(\.holds) }

    /// The text of `--format text`.
    var text: String {
        rows.map { row in
            let (measured, limit) = (row.metric.text(row.measured), row.metric.text(row.limit))
            let excess = row.holds ? "" : ", \(row.metric.text(row.measured - row.limit)) too much"
            return "\(row.holds ? "holds" : "BROKEN")  \(row.name): \(measured) of \(limit)\(excess)"
        }.joined(separator: "\n")
    }

    /// The document of `--format json`.
    var document: JSON {
        .object([
            "schemaVersion": .integer(1), "kind": .string("gate"), "holds": .bool(holds),
            "budgets": .array(
                rows.map { row in
                    .object([
                        "name": .string(row.name), "limit": .number(row.limit), "measured": .number(row.measured),
                        "holds": .bool(row.holds),
                    ])
                }),
        ])
    }
}
