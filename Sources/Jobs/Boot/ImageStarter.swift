public import ImageFiles
public import OCI
internal import Probe
public import Proof
public import Slim

/// The number and the kind of two images' starts.
public enum PairMode: Sendable {
    /// As the options request.
    case requested
    /// Counted work, as many times as requested.
    case counted
    /// One start of each, for a time that gets no verdict.
    case once
}

/// The starts of images, which a test replaces by starts without an engine.
public protocol ImageStarter: Sendable {
    /// True if starts are measured in an emulator, whose time has no verdict.
    var isEmulated: Bool { get }

    /// Starts two images in turns, and compares them.
    func measurePair(
        _ before: StartSubject, _ after: StartSubject, in store: Store, mode: PairMode
    ) async throws -> StartPair

    /// Starts an image once with recording, and returns the profile of its work; nil if its engine reports none.
    func profile(
        of subject: StartSubject, isCounted: Bool, in store: Store, files: ImageFiles?
    ) async throws -> WorkProfile?

    /// Returns the runner that starts images once, for their responses.
    ///
    /// - Parameters:
    ///   - settings: The commands to run besides the probe, and the time after them.
    ///   - files: The files of images that were already read.
    func runner(in store: Store, settings: ProofSettings, files: [ImageFiles]) -> any ImageRunner<Image>

    /// Runs a program of an image in a container without network, and returns its stdout.
    func output(of command: CureCommand, in image: Image, _ store: Store) async throws -> [UInt8]
}

extension ImageStarter {
    /// Reports no work.
    public func profile(
        of subject: StartSubject, isCounted: Bool, in store: Store, files: ImageFiles?
    ) async throws -> WorkProfile? { nil }
}

extension BootJob: ImageStarter {
    /// Returns the runner of this job's probe.
    public func runner(in store: Store, settings: ProofSettings, files: [ImageFiles]) -> any ImageRunner<Image> {
        var probeSet = ProbeSet(
            probes: probe.map { [$0] } ?? [], commands: settings.commands, recordsOpenedFiles: settings.observes)
        probeSet.settle = settings.settle
        return ProofRunner(job: self, store: store, probeSet: probeSet, files: files)
    }

    /// Runs a program of an image in a container of this machine, whatever engine starts images.
    public func output(of command: CureCommand, in image: Image, _ store: Store) async throws -> [UInt8] {
        do { return try await engines(store, isCounted: false).output(of: command, in: image) } catch {
            throw Failure(error)
        }
    }
}
