import ImageFiles
import Jobs
import Linux
import OCI
import Probe
import Proof
import Registry
import Slim
import Synchronization
import Testing

@testable import ColdStart

/// A host that keeps all texts and has neither signals nor registries.
final class FakeHost: JobHost {
    private let lines = Mutex<[String]>([])

    /// The reported parts and notes, in order.
    var texts: [String] { lines.withLock { $0 } }

    func report(_ text: String) { lines.withLock { $0.append(text) } }
    func note(_ text: String) { lines.withLock { $0.append("note: \(text)") } }
    func report(lines text: String) { report(text) }
    func report(event: JSON) { report(event.line) }
    var hasTerminal: Bool { true }
    func show(_ region: LiveRegion, _ lines: (@Sendable () -> [String])?) {
        report("\(region): \((lines.map { $0() } ?? ["end"]).joined(separator: "|"))")
    }
    func expectArchiveOutput() throws { throw Failure("stdout is a terminal", status: .usage) }
    func openStandardOutput() throws -> OwnedDescriptor { throw Failure("stdout is a terminal", status: .usage) }

    var version: String { "1.2.3" }

    func registryClient(
        _ progress: ProgressStyle, _ edit: (inout RegistryConfiguration) throws -> Void
    ) throws -> RegistryClient { throw Failure("no registries here") }

    func cancelling<Result: Sendable>(
        abandon: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result { try await work() }
}

/// Starts of images without an engine: the time is given, and the response is the content of the image's `/page`.
struct FakeStarter: ImageStarter, ImageRunner {
    /// The milliseconds to the first request, by number of layers.
    var milliseconds: @Sendable (_ layerCount: Int) -> [Double] = { _ in [100] }

    /// The engine that the measurements name; the emulated one also counts, where one millisecond is 1 M instructions.
    var isEmulated = false

    func measurePair(
        _ before: StartSubject, _ after: StartSubject, in store: Store, mode: PairMode
    ) async throws -> StartPair {
        let isCounted = if case .counted = mode { true } else { false }
        func measure(_ subject: StartSubject) throws -> StartMeasurement {
            let times = milliseconds(subject.image.layers.count)
            return isEmulated ? try .fakeEmulated(times, isCounted: isCounted) : try .fake(times)
        }
        return try StartPair(measure(before), measure(after))
    }

    func output(of command: CureCommand, in image: Image, _ store: Store) async throws -> [UInt8] { [] }

    func runner(in store: Store, settings: ProofSettings, files: [ImageFiles]) -> any ImageRunner<Image> { self }

    func run(_ image: Image, recordsOpenedFiles: Bool) async throws -> RunRecord {
        let tree = try await image.tree()
        let page = try image.contents(of: "page", in: tree)
        let status: UInt16 = page == nil ? 404 : 200
        var body = StreamHasher()
        body.receive((page ?? [])[...])
        let result = ProbeResult(
            .http(status: status, byteCount: body.byteCount), head: Array("HTTP/1.1 \(status) X\n\n".utf8),
            body: body.stream)
        return RunRecord(
            probes: [ProbeRecord(result, of: "http:8080/", passes: result.outcome.passes)],
            openedFiles: recordsOpenedFiles ? .recorded([Array("/page".utf8)], isComplete: true) : .notRecorded)
    }
}

extension StartMeasurement {
    /// Makes the measurement of starts that took these times, all in the phase `listen`.
    static func fake(_ milliseconds: [Double]) throws -> StartMeasurement {
        let statistics = try #require(Statistics(milliseconds))
        return StartMeasurement(
            engine: "container", isAccelerated: true, accelerationNote: nil, kernelRelease: nil, kernelRemark: nil,
            emulator: nil, probe: try ProbeAction(parsing: "http:8080/"),
            phases: [
                Phase(
                    name: .listen, milliseconds: statistics,
                    medianRunMilliseconds: statistics.samples[statistics.medianRun])
            ], timeToFirstRequest: statistics,
            work: nil, exits: nil, overheadBytes: nil, pageFaults: nil, diskReads: nil,
            diskBytesRead: nil, hostProbe: nil, response: nil, probeResults: nil, peakGuestMemoryBytes: nil,
            console: "")
    }
}

extension StartMeasurement {
    /// Makes the measurement of an emulated machine; a counted one did all its work in the phase `firstByte`.
    static func fakeEmulated(_ milliseconds: [Double], isCounted: Bool) throws -> StartMeasurement {
        let figures = milliseconds.map { time in
            var figures = StartFigures(milliseconds: time, console: "")
            figures.phases = [(.firstByte, time)]
            if isCounted { figures.work = GuestWork(phases: [(.firstByte, UInt64(time * 1e6))], waiting: [0]) }
            return figures
        }
        return StartMeasurement(
            figures, engine: "qemu", isAccelerated: false, accelerationNote: "no KVM here", kernelRelease: nil,
            emulator: nil, probe: try ProbeAction(parsing: "http:8080/"))
    }
}
