public import OCI
public import Probe
public import Proof

/// The settings of a proof that are the same for every start.
public struct ProofSettings: Sendable {
    /// Commands that run in both images besides the probes.
    public var commands: [ProbeAction]
    /// True to keep the files that the original opens.
    public var observes: Bool
    /// The time that the program runs on after the last probe.
    public var settle: SettleTime

    /// Settings; by default files are observed, and the program is stopped after the last probe.
    public init(commands: [ProbeAction] = [], observes: Bool = true, settle: SettleTime = SettleTime()) {
        self.commands = commands
        self.observes = observes
        self.settle = settle
    }

    /// Makes settings of the command line's values; `commands` are words for `exec:`.
    public init(commands: [String], observes: Bool, settle: String, least: String?) throws {
        self.init(
            commands: try commands.map { try ProbeAction(parsing: "exec:\($0)") }, observes: observes,
            settle: SettleTime(
                quiet: try RunLimit.wait(settle, "--settle"),
                least: try least.map { try RunLimit.wait($0, "--continue-after") } ?? .zero))
    }
}

/// The starts of the original, with the files that it opened in any of them.
public struct Traces: Sendable {
    /// The results of the first start, to which the slim image is compared.
    public let record: RunRecord
    /// The results of the second start; nil if there was none.
    public private(set) var again: RunRecord?
    /// The opened files of all starts.
    public private(set) var openedFiles: [[UInt8]]
    /// The files that only one of the first two starts opened.
    public private(set) var differing: [[UInt8]] = []

    /// The trace of one start.
    public init(_ record: RunRecord) {
        self.record = record
        openedFiles = record.openedFiles.paths
    }

    /// Starts the original, and once more if files are observed until it is quiet: two traces should be the same.
    public init<Runner: ImageRunner<Image>>(
        of original: Image, by runner: Runner, settings: ProofSettings
    ) async throws {
        self.init(try await runner.record(of: original, recordsOpenedFiles: settings.observes))
        guard settings.observes, settings.settle.quiet > .zero, case .recorded = record.openedFiles else { return }
        let second = try await runner.run(original, recordsOpenedFiles: true)
        guard second.failureReason == nil else { return }
        again = second
        let (left, right) = (Set(openedFiles), Set(second.openedFiles.paths))
        differing = left.symmetricDifference(right).sorted { $0.lexicographicallyPrecedes($1) }
        add(second.openedFiles.paths)
    }

    /// Adds the opened files of a further start; returns those that are new.
    @discardableResult
    public mutating func add(_ paths: [[UInt8]]) -> [[UInt8]] {
        let known = Set(openedFiles)
        let new = paths.filter { !known.contains($0) }
        openedFiles += new
        return new
    }

    /// Reports what is incomplete or differs.
    func report(to host: any JobHost) {
        for remark in [record.openedFiles.warning, remark].compactMap(\.self) { host.report(remark) }
    }

    /// A remark for people if two traces differ.
    var remark: String? {
        guard !differing.isEmpty else { return nil }
        let names = differing.prefix(3).map { String(decoding: $0, as: UTF8.self) }.joined(separator: ", ")
        let count = differing.count == 1 ? "1 file" : "\(differing.count) files"
        return "two starts of the original opened different files, and all are kept: \(count), such as \(names)"
    }
}
