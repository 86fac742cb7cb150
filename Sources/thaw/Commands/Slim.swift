import ArgumentParser
import ImageFiles
import Linux
import OCI
import Probe
import Project
import Proof
import Slim
import SystemPackage

/// The command `thaw slim`.
struct SlimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slim", abstract: "Reduce an image to the files that its program needs.",
        discussion: """
            With --probe and --exec, both images are started and probed, and the files that the original opens are \
            kept. If the probe results differ, no image is stored and the exit status is 1.
            Example: thaw slim app:latest -t app:slim --include '/srv/**' --keep shell
            """)
    @OptionGroup var global: GlobalOptions
    @OptionGroup var options: SlimOptionGroup
    @OptionGroup var boot: SlimBootArguments
    @OptionGroup var proofArguments: ProofArguments
    @Option(help: "Output format.") var format: OutputFormat = .text
    @Option(
        name: [.customShort("t"), .long],
        help: ArgumentHelp("Name and optionally a tag of the slim image: NAME[:TAG].", valueName: "name"))
    var tag: String
    @Option(help: ArgumentHelp("Print why a path is kept or dropped, and write no image.", valueName: "path"))
    var explain: String?
    @Argument(help: ArgumentHelp(Transport.help)) var image: ImageArgument

    func run() async throws {
        let store = try global.store()
        let name = try reference(tag)
        let proof = try boot.proof(proofArguments, in: store)
        let found = try await image.image(in: store)
        // The plan, the rewriting and the probing each read all layers.
        let original = found.reading(from: PlainLayers(found.source, in: store.path))
        let lease = try store.lease()
        let record = try await proof?.record(of: original)
        if let warning = record?.openedFiles.warning { Terminal.report(warning) }
        let job = try await SlimJob(
            ImageFiles(of: original), options: options.options(ProjectFile(), observed: record?.openedFiles.paths ?? [])
        )
        if let explain { return Terminal.print(try job.explanation(of: explain)) }
        var result = try await job.write(to: store)
        if let proof, let record {
            let verification = try await Verification(result.image, against: record, of: original, by: proof)
            result.document["verification"] = verification.json
            try verification.require()
            result.verification = verification
        }
        try store.publish(result.image, as: name)
        try lease.release()
        switch format {
        case .text: Terminal.print(job.text(result))
        case .json: Terminal.print(result.document)
        }
    }
}

/// The options of slimming, shared by several commands.
struct SlimOptionGroup: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Keep a group of files: shell, certs, tzdata, locales or packages. Can be repeated.", valueName: "group"))
    var keep: [String] = []
    @Option(
        help: ArgumentHelp(
            "Keep paths and the files that they need; * and ** as in .dockerignore. Can be repeated.",
            valueName: "glob"))
    var include: [String] = []
    @Option(help: ArgumentHelp("Drop paths, even if they are needed. Can be repeated.", valueName: "glob"))
    var exclude: [String] = []

    /// Returns the options, with those of the project's file and the files opened while the image ran.
    func options(_ project: ProjectFile, observed: [[UInt8]] = []) throws -> SlimOptions {
        do {
            return SlimOptions(
                keep: Set(try (keep + project.slim.keep).map { try KeepOption(named: $0) }),
                include: try (include + project.slim.include).map { try ImagePathPattern($0) },
                exclude: try (exclude + project.slim.exclude).map { try ImagePathPattern($0) }, observed: observed)
        } catch {
            throw Failure("\(error)", status: .usage)
        }
    }
}

extension Verification {
    /// Throws if any probe result differs.
    func require() throws {
        guard let difference else { return }
        throw Failure(
            "the slim image differs from the original: \(difference)",
            remedy: "keep the missing files with --include or --keep; no image was stored")
    }

    /// The probes and their results, for people.
    var text: String {
        (["probe results"]
            + checks.map { check in
                let doubts = check.unstable.isEmpty ? "" : "; unstable: \(check.unstable.joined(separator: ", "))"
                return "  \(check.passed ? "same" : "DIFFERENT")  \(check.probe): \(check.before)\(doubts)"
            }).joined(separator: "\n")
    }
}

/// The plan of a slim image, and the image that follows from it.
struct SlimJob {
    let plan: SlimPlan

    init(_ files: ImageFiles, options: SlimOptions) throws { plan = try SlimPlan(files, options: options) }

    /// The slim image, its JSON document and its verification.
    struct SlimResult {
        /// The files of the image, whose blobs are in the store.
        let files: ImageFiles
        var document: JSON
        var verification: Verification?

        var image: Image { files.image }
    }

    /// Writes the slim image and checks its invariants against the original.
    ///
    /// - Parameter search: A search in the text of its files, for a report on it.
    func write(to store: Store, search: TextSearch? = nil) async throws -> SlimResult {
        let image = try await plan.contents.image.slimmed(by: plan, into: store)
        let after = try await ImageFiles(of: image, search: search)
        let violations = Invariants.check(after, against: plan.contents, rewritten: plan.rewritten)
        guard violations.isEmpty else { throw SlimError.notSame(violations) }
        var document = plan.document(after: after)
        document["verification"] = Verification.withoutProbes
        return SlimResult(files: after, document: document)
    }

    func explanation(of path: String) throws -> String {
        guard let path = try? ImagePath(path) else { throw Failure("'\(path)' is not a path", status: .usage) }
        return plan.explain(path)?.joined(separator: "\n") ?? "\(path) is dropped: nothing needs it"
    }

    func text(_ result: SlimResult) -> String {
        let before = ByteCount(plan.contents.image.compressedSize)
        let after = ByteCount(result.image.compressedSize)
        var lines = [
            "\(before) -> \(after) compressed, \(plan.keep.count) paths kept, \(plan.droppedCount) dropped", "",
            "kept because of",
        ]
        for (reason, count) in plan.reasonCounts.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
            lines.append("  \(reason): \(count)")
        }
        lines += ["", "removed"]
        for directory in plan.removed.prefix(12) {
            let files = directory.count == 1 ? "1 file" : "\(directory.count) files"
            lines.append("  \(directory.path)  \(files), \(ByteCount(directory.bytes))")
        }
        if !plan.missing.isEmpty {
            lines += ["", "libraries that the original lacks"] + plan.missing.prefix(10).map { "  \($0)" }
        }
        if let verification = result.verification { lines += ["", verification.text] }
        lines += ["", "\(result.image.descriptor.digest)"]
        return lines.joined(separator: "\n")
    }
}
