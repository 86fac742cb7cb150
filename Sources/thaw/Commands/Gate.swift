import Analysis
import ArgumentParser
import ColdStart
import Linux
import OCI
import Project
import SystemPackage

/// `thaw gate`
struct Gate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hold an image against the budgets in thaw.toml; exit status 2 when one does not hold.",
        discussion: "Example: thaw gate --config thaw.toml app:latest")
    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: BootOptions
    @Option(help: ArgumentHelp("The file with the budgets. (default: ./thaw.toml)", valueName: "file")) var config:
        String?
    @Option(help: "text or json") var format: OutputFormat = .text
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    func run() async throws {
        let project = try project(config ?? "thaw.toml", beside: ".")
        guard !project.budget.isEmpty else {
            throw Failure("\(config ?? "thaw.toml") has no [budget], so nothing can be held", status: .usage)
        }
        let store = try global.store()
        let image = try await image.image(in: store)
        let tree = try await store.tree(of: image)
        var start: Double?
        if project.budget.start != nil {
            start = try await BootJob(options, project).measure(image, in: store).timeToFirstRequest.median
        }
        let verdict = Verdict(project.budget, image, Waste(of: tree), start: start)
        switch format {
        case .text: Terminal.print(verdict.text)
        case .json: Terminal.print(verdict.document)
        }
        if !verdict.holds { throw ExitCode(Status.gateBroken.rawValue) }
    }
}

/// Budgets against figures.
struct Verdict {
    /// One budget: what is allowed, and what is.
    struct Row {
        let name: String
        let quantity: Quantity
        let limit: Double
        let measured: Double

        /// Exactly the budget still holds.
        var holds: Bool { measured <= limit }
    }

    let rows: [Row]

    init(_ budget: Project.Budget, _ image: Image, _ waste: Waste, start: Double?) {
        var rows: [Row] = []
        func add(_ name: String, _ quantity: Quantity, _ limit: Double?, _ measured: Double?) {
            guard let limit, let measured else { return }
            rows.append(Row(name: name, quantity: quantity, limit: limit, measured: measured))
        }
        add("size", .compressedSize, budget.size.map { Double($0.bytes) }, Double(image.compressedSize))
        add("unpacked", .size, budget.unpacked.map { Double($0.bytes) }, Double(waste.shippedBytes))
        add("layers", .layers, budget.layers.map(Double.init), Double(image.layers.count))
        add("waste", .wastedBytes, budget.waste.map { Double($0.bytes) }, Double(waste.wastedBytes))
        add("start", .timeToFirstRequestMs, budget.start?.milliseconds, start)
        self.rows = rows
    }

    /// Whether every budget holds.
    var holds: Bool { rows.allSatisfy(\.holds) }

    /// The rows for people.
    var text: String {
        rows.map { row in
            let (measured, limit) = (row.quantity.text(row.measured), row.quantity.text(row.limit))
            let excess = row.holds ? "" : ", \(row.quantity.text(row.measured - row.limit)) too much"
            return "\(row.holds ? "holds" : "BROKEN")  \(row.name): \(measured) of \(limit)\(excess)"
        }.joined(separator: "\n")
    }

    /// The document for scripts.
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
