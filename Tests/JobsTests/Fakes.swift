import ImageFiles
import Jobs
import Linux
import OCI
import Probe
import Proof
import Registry
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
    func expectArchiveOutput() throws { throw Failure("stdout is a terminal", status: .usage) }
    func openStandardOutput() throws -> OwnedDescriptor { throw Failure("stdout is a terminal", status: .usage) }

    func registryClient(
        isQuiet: Bool, _ edit: (inout RegistryConfiguration) throws -> Void
    ) throws -> RegistryClient { throw Failure("no registries here") }

    func cancelling<Result: Sendable>(
        abandon: @escaping @Sendable () -> Void, _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result { try await work() }
}

/// Starts of images without an engine: the time is given, and the response is the content of the image's `/page`.
struct FakeStarter: ImageStarter, ImageRunner {
    /// The milliseconds to the first request, by number of layers.
    var milliseconds: @Sendable (_ layerCount: Int) -> [Double] = { _ in [100] }

    func measure(
        _ image: Image, tree: FileTree?, in store: Store, options: MachineOptions
    ) async throws -> StartMeasurement {
        try .fake(milliseconds(image.layers.count))
    }

    func runner(
        in store: Store, commands: [ProbeAction], recordsOpenedFiles: Bool, files: [ImageFiles]
    ) -> any ImageRunner<Image> { self }

    func run(_ image: Image, recordsOpenedFiles: Bool) async throws -> RunRecord {
        let tree = try await image.tree()
        let page = try image.contents(of: "page", in: tree)
        let status = page == nil ? 404 : 200
        return RunRecord(
            probes: [
                .http(
                    "http:8080/", status: status, head: Array("HTTP/1.1 \(status) X\n\n".utf8),
                    body: StreamDigest(page ?? []), passes: status == 200)
            ],
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
            phases: [Phase(name: .listen, milliseconds: statistics)], timeToFirstRequest: statistics,
            work: nil, exits: nil, overheadBytes: nil, pageFaults: nil, diskReads: nil,
            diskBytesRead: nil, hostProbe: nil, response: nil, probeResults: nil, peakGuestMemoryBytes: nil,
            console: "")
    }
}
