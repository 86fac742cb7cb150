import Analysis
import ArgumentParser
import Build
import ColdStart
import ImageFiles
import Linux
import OCI
import Probe
import Project
import Proof
import Registry
import Slim
import SystemPackage

/// The command `thaw optimize`.
struct Optimize: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Build an image, slim it, start both, check budgets, and write a report.",
        discussion: """
            The exit status is 2 if the slim image exceeds a budget of thaw.toml. It is 1, and no image is stored, if \
            the probe results of the slim image differ from those of the original.
            Example: thaw optimize fixtures/apps/python-api -o out -t inventory:slim
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var buildOptions: BuildOptions
    @OptionGroup var slimOptions: SlimOptionGroup
    @OptionGroup var bootOptions: BootOptions
    @OptionGroup var proofArguments: ProofArguments
    @Option(help: ArgumentHelp("Project file. (default: CONTEXT/thaw.toml)", valueName: "file")) var config: String?
    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("Directory for report.json and report.html.", valueName: "dir"))
    var output = Self.defaultOutput

    private static let defaultOutput = "thaw-report"
    @Option(
        name: [.customShort("t"), .long],
        help: ArgumentHelp("Name and optionally a tag of the slim image: NAME[:TAG].", valueName: "name"))
    var tag: String?
    @Flag(help: "Push the slim image if it keeps all budgets.") var push = false
    @OptionGroup var registry: RegistryOptions
    @OptionGroup var progress: ProgressArguments
    @Argument(help: "A directory with a Dockerfile, a git repository, the URL of a tar, or an image.") var subject = "."

    func run() async throws {
        let store = try global.store()
        let lease = try store.lease()
        let isDirectory = fileExists(FilePath(subject))
        let isContext = try isDirectory || ContextArguments.isRemote(subject)
        let project = try project(config, beside: FilePath(isDirectory ? subject : "."))
        let name = try tag.map(reference)
        if push, name == nil { throw Failure("--push needs a name", remedy: "add -t NAME", status: .usage) }
        if !isContext, subject.hasPrefix(".") || subject.hasPrefix("/") {
            throw Failure("there is no directory '\(subject)'", status: .usage)
        }
        // A missing image is reported before a missing probe. A context is built only after the probe was checked.
        let named = isContext ? nil : try await ImageArgument(argument: subject).image(in: store)
        let boot = try BootJob(bootOptions, project)
        let (original, build): (Image, JSON?)
        if let named {
            (original, build) = (named, nil)
        } else {
            (original, build) = try await self.build(project, in: store)
        }
        report("analysing")
        // The only inflation of the original: what follows reads this value, or the plain layers.
        let image = original.reading(from: PlainLayers(original.source, in: store.path))
        let files = try await ImageFiles(of: image, search: Report.search)
        let before = try await Offload.run { [subject] in Report(of: files, reference: subject) }
        report("probing the original")
        var proof = ProofRunner(
            job: boot, store: store,
            probeSet: ProbeSet(
                probes: [boot.probe], commands: try proofArguments.commands(),
                recordsOpenedFiles: proofArguments.observe), files: [files])
        let record = try await proof.record(of: image)
        if let warning = record.openedFiles.warning { report(warning) }
        report("slimming")
        let slim = try SlimJob(files, options: slimOptions.options(project, observed: record.openedFiles.paths))
        let slimmed = try await slim.write(to: store, search: Report.search)
        proof.files.append(slimmed.files)
        let after = try await Offload.run { [slimName = tag ?? "\(subject) (slim)", files = slimmed.files] in
            Report(of: files, reference: slimName)
        }
        report("probing the slim image")
        let verification = try await Verification(slimmed.image, against: record, of: image, by: proof)
        // An image that does not serve cannot be measured.
        if verification.failure != nil { try verification.require() }
        report("starting the original")
        let first = try await boot.measure(image, tree: files.tree, in: store)
        report("starting the slim image")
        let second = try await boot.measure(slimmed.image, tree: slimmed.files.tree, in: store)
        let verdict = BudgetVerdict(project.budget, slimmed.image, after.waste, start: second.timeToFirstRequest.median)

        var documents = JSON.object([
            "schemaVersion": .integer(1), "kind": .string("optimization"), "analysis": before.json,
            "slim": slimmed.document, "gate": verdict.document,
            "boot": .object([
                "before": first.document(image: image, name: subject),
                "after": second.document(image: slimmed.image, name: tag ?? "slim"),
            ]),
        ])
        documents["build"] = build
        documents["slim"]?["verification"] = verification.json
        let page = page(before, after, first, second, slim, verification, verdict)
        try write(documents, page)
        Terminal.print(summary(image, slimmed.image, first, second, verdict))
        try verification.require()
        if let name {
            try store.publish(slimmed.image, as: name)
            if push, verdict.holds {
                try await registry.client(progress.style).push(slimmed.image, to: name, hints: store)
            }
        }
        try lease.release()
        if !verdict.holds { throw ExitCode(CommandStatus.gateBroken.rawValue) }
    }

    private func build(_ project: ProjectFile, in store: Store) async throws -> (Image, JSON?) {
        let result = try await buildOptions.build(
            context: subject, in: store, progress: progress.style, project: project)
        let document = JSON.object([
            "containerimage.digest": .string("\(result.image.descriptor.digest)"),
            "thaw.steps": .array(result.steps.map(\.json)),
        ])
        return (result.image, document)
    }

    private func report(_ text: String) {
        if progress.style != .quiet { Terminal.report(text) }
    }

    private func write(_ documents: JSON, _ page: OptimizationPage) throws {
        let path = FilePath(output)
        // The default is in the project's directory, where a stranger may have put a link to another one.
        if output == Self.defaultOutput, let entry = try? OwnedDescriptor(path, [.path, .noFollow]),
            try entry.status().type == .symbolicLink
        {
            throw Failure("'\(output)' is a symbolic link", remedy: "name a directory with -o", status: .usage)
        }
        let directory = try Directory.make(path)
        try directory.replace("report.json", with: Array(documents.text.utf8))
        try directory.replace("report.html", with: Array(page.html.utf8))
    }

    private func page(
        _ before: Report, _ after: Report, _ first: ColdStart.StartMeasurement, _ second: ColdStart.StartMeasurement,
        _ slim: SlimJob,
        _ verification: Verification, _ verdict: BudgetVerdict
    ) -> OptimizationPage {
        var page = OptimizationPage(title: subject, before: first.side(before), after: second.side(after))
        page.engine = first.engineSentence
        page.verdicts = verdict.rows.map {
            OptimizationPage.Verdict(
                budget: $0.name, limit: $0.metric.text($0.limit), measured: $0.metric.text($0.measured),
                holds: $0.holds)
        }
        page.reasons = slim.plan.reasonCounts
        page.kept = slim.plan.keep.count
        page.dropped = slim.plan.droppedCount
        page.checks = verification.checks.map {
            OptimizationPage.Check(
                probe: $0.probe, before: $0.before, after: $0.after ?? "", holds: $0.passed,
                remarks: $0.differences.map(\.description) + $0.unstable.map { "\($0) changes at every start" })
        }
        page.findings = before.findings
        return page
    }

    private func summary(
        _ before: Image, _ after: Image, _ first: ColdStart.StartMeasurement, _ second: ColdStart.StartMeasurement,
        _ verdict: BudgetVerdict
    ) -> String {
        let start =
            "\(Int(first.timeToFirstRequest.median.rounded())) -> \(Int(second.timeToFirstRequest.median.rounded())) ms"
        let lines = [
            "size   \(ByteCount(before.compressedSize)) -> \(ByteCount(after.compressedSize)) compressed",
            "start  \(start) to the first request (\(first.engineSentence))",
            "report \(output)/report.html",
        ]
        return (lines + (verdict.rows.isEmpty ? [] : [verdict.text])).joined(separator: "\n")
    }
}

extension ColdStart.StartMeasurement {
    /// One side of the report.
    fileprivate func side(_ report: Report) -> OptimizationPage.Side {
        OptimizationPage.Side(
            report, phases: phases.map { OptimizationPage.Phase(name: $0.name.rawValue, ms: $0.milliseconds.median) },
            timeToFirstRequestMs: timeToFirstRequest.median)
    }

    /// The engine, its acceleration and the number of starts, for people.
    fileprivate var engineSentence: String {
        switch (engine, isAccelerated) {
        case ("container", _): "container on this machine's kernel, median of \(runs)"
        case (_, true): "\(engine) with KVM, median of \(runs)"
        default: "\(engine), emulated: \(accelerationNote ?? "no KVM"), median of \(runs)"
        }
    }
}
