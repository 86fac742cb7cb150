public import ColdStart
internal import Linux
public import OCI
internal import SystemPackage

/// The options of `thaw boot` as they were written.
public struct BootRequest: Sendable {
    /// True for `--format json`.
    public var isJSON = false
    /// The file that a snapshot is saved to.
    public var snapshot: String?
    /// The moment of the snapshot: `ready` or `request`.
    public var snapshotMoment = "ready"
    /// The snapshot to resume.
    public var resumed: String?
    /// The network of the machine.
    public var network = MachineNetwork.none
    /// True to keep the machine running.
    public var keepsMachine = false
    /// The ports of a kept machine that are published.
    public var ports: [KeptMachine.ForwardedPort] = []
    /// The file that gets the figures for later comparisons.
    public var baseline: String?
    private let start: StartOptions

    /// Makes a request with the options of the start.
    public init(start: StartOptions) { self.start = start }

    /// Starts an image, or two in turns, and shows the result; returns the number of findings.
    public func run(
        _ name: NamedImage, against other: NamedImage?, in store: Store, _ host: any JobHost,
        show: @escaping @Sendable (Printout) -> Void
    ) async throws -> Int {
        let job = try BootJob(start, nil, host: host)
        let subject = try await name.image(in: store, host)
        if let baseline { try FileDestination.expectWritable(FilePath(baseline), for: "--save-baseline") }
        var options = try machineOptions(for: job.choice)
        if let other {
            guard options.isPlain, !keepsMachine else {
                throw Failure(
                    "two images exclude --snapshot, --from-snapshot, --network and --keep", status: .usage)
            }
            let second = try await other.image(in: store, host)
            show(try await compared((subject, second), (name.text, other.text), by: job, in: store))
            return 0
        }
        let shown = { @Sendable (measured: StartMeasurement) in printout(measured, of: subject, named: name.text) }
        if keepsMachine {
            options.keptMachine = KeptMachine(ports: ports) { [ports] measured in
                show(shown(measured))
                for port in ports { host.report("http://127.0.0.1:\(port.host)/ forwards to port \(port.guest)") }
                host.report("the machine keeps running; Ctrl-C stops it")
            }
        }
        let measured = try await job.measure(subject, in: store, options: options)
        if !keepsMachine { show(shown(measured)) }
        if let baseline {
            let document = try await job.baseline(measured, of: subject, name: name.text, in: store)
            try replaceFile(baseline, with: Array(document.text.utf8))
        }
        return measured.findings.count
    }

    private func compared(
        _ images: (Image, Image), _ names: (String, String), by job: BootJob, in store: Store
    ) async throws -> Printout {
        let subjects = (StartSubject(images.0), StartSubject(images.1))
        let pair = try await job.measurePair(subjects.0, subjects.1, in: store)
        let causes = try await job.causes(of: pair, subjects.0, subjects.1, in: store)
        return .result(
            pair.text(names: names, causes: causes), pair.document(of: images, names: names, causes: causes),
            isJSON: isJSON)
    }

    private func printout(_ measured: StartMeasurement, of subject: Image, named name: String) -> Printout {
        .result(
            measured.text + (snapshot.map { "\nsaved to \($0)" } ?? ""),
            measured.document(image: subject, name: name, console: start.console), isJSON: isJSON)
    }

    /// Returns the options that only the engine kvm has.
    func machineOptions(for choice: EngineChoice) throws -> MachineOptions {
        let options = MachineOptions(startMode: try startMode(), network: network)
        let special = [
            ("--snapshot", snapshot != nil), ("--from-snapshot", resumed != nil), ("--keep", keepsMachine),
            ("--network", network != .none),
        ]
        if let option = special.first(where: \.1)?.0 { try Engines.expectOwnMachine(choice, for: option) }
        guard keepsMachine || ports.isEmpty else { throw Failure("--publish needs --keep", status: .usage) }
        guard !keepsMachine || snapshot == nil else {
            throw Failure("--keep and --snapshot exclude each other", status: .usage)
        }
        return options
    }

    /// Returns the use of snapshots: booting without one, saving one, or resuming one.
    private func startMode() throws -> KvmEngine.StartMode {
        guard let moment = SnapshotPoint(rawValue: snapshotMoment) else {
            throw Failure("--snapshot-at '\(snapshotMoment)' is not ready or request", status: .usage)
        }
        let mode = try MachineOptions.startMode(saving: snapshot, at: moment, resuming: resumed)
        guard resumed == nil || start.memory == nil && start.cpus == nil && start.environment.isEmpty else {
            throw Failure(
                "--from-snapshot excludes --memory, --cpus and --env: the snapshot has them", status: .usage)
        }
        return mode
    }
}
