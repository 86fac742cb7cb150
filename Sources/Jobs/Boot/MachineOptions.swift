public import ColdStart
internal import Glibc
internal import Linux
internal import SystemPackage

/// The options that only the engine kvm has.
public struct MachineOptions: Sendable {
    /// The use of snapshots.
    public var startMode: KvmEngine.StartMode
    /// The network of the machine.
    public var network: MachineNetwork
    /// The settings of a machine that keeps running after the measurement; nil to stop it.
    public var keptMachine: KeptMachine?

    /// True if the machine boots, is measured and ends.
    var isPlainBoot: Bool { if case .boot = startMode { keptMachine == nil } else { false } }

    /// True if these are the options of a start that any engine can do.
    public var isPlain: Bool { isPlainBoot && network == .none }

    /// Makes options; without parameters those of a plain boot.
    public init(
        startMode: KvmEngine.StartMode = .boot, network: MachineNetwork = .none, keptMachine: KeptMachine? = nil
    ) {
        self.startMode = startMode
        self.network = network
        self.keptMachine = keptMachine
    }

    /// Returns the mode that saves or resumes a snapshot, or boots without one.
    ///
    /// - Throws: A usage failure if both are requested, or a file can't be used.
    public static func startMode(
        saving target: String?, at moment: SnapshotPoint, resuming source: String?
    ) throws -> KvmEngine.StartMode {
        guard target == nil || source == nil else {
            throw Failure("--snapshot and --from-snapshot exclude each other", status: .usage)
        }
        if let source {
            guard unsafe access(source, R_OK) == 0 else {
                throw Failure("--from-snapshot '\(source)' cannot be read: \(Errno(rawValue: errno))", status: .usage)
            }
            return .restore(from: FilePath(source))
        }
        guard let target else { return .boot }
        try FileDestination.expectWritable(FilePath(target), for: "--snapshot")
        // A pipe or a device can't be replaced by a snapshot.
        guard case .file = try FileDestination(FilePath(target)) else {
            throw Failure("--snapshot '\(target)' exists and is not a regular file", status: .usage)
        }
        return .save(to: FilePath(target), at: moment)
    }
}
