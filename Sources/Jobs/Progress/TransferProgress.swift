internal import Linux
internal import OCI
public import Registry
internal import Synchronization

/// The progress of transfers: a line for each finished blob, and on a terminal the moving ones below.
public final class TransferProgress: Sendable {
    fileprivate struct State {
        /// The blobs that move, with their moved bytes; in the order of their starts.
        var blobs: [(blob: Descriptor, moved: Int64)] = []
        /// The bytes of finished blobs.
        var finished: Int64 = 0
    }

    private let style: ProgressStyle
    private let host: any JobHost
    private let state = Mutex(State())

    /// Makes a progress that reports to `host`.
    public init(_ style: ProgressStyle, host: any JobHost) {
        self.style = style
        self.host = host
    }

    /// Takes one event, from any thread.
    public func take(_ event: TransferEvent) {
        switch style {
        case .json: if let json = event.json { host.report(event: json) }
        case .quiet: if case .retrying = event { host.report(event.text ?? "") }
        case .auto, .tty, .plain: report(event)
        }
    }

    private func report(_ event: TransferEvent) {
        let count = state.withLock { state in
            state.take(event)
            return state.blobs.count
        }
        if let text = event.text { host.report(text) }
        guard style != .plain else { return }
        switch event {
        case .began where count == 1: host.show(.transfer) { [self] in state.withLock(\.lines) }
        case .done where count == 0: host.show(.transfer, nil)
        default: break
        }
    }
}

extension TransferProgress.State {
    mutating func take(_ event: TransferEvent) {
        switch event {
        case .began(let blob): blobs.append((blob, 0))
        case .moved(let blob, let bytes):
            guard let index = blobs.firstIndex(where: { $0.blob.digest == blob.digest }) else { return }
            blobs[index].moved += Int64(bytes)
        case .done(let blob, _):
            blobs.removeAll { $0.blob.digest == blob.digest }
            finished += blob.size
        case .retrying: break
        }
    }

    /// The sum of all blobs, and a line for each of the first ones.
    var lines: [String] {
        let moved = blobs.reduce(finished) { $0 + min($1.blob.size, $1.moved) }
        let total = blobs.reduce(finished) { $0 + $1.blob.size }
        let rows = blobs.prefix(4).map { entry in
            let done = min(entry.blob.size, entry.moved)
            let percent = entry.blob.size > 0 ? done * 100 / entry.blob.size : 100
            return "  \(entry.blob.digest.short)  \(percent) % of \(ByteCount(entry.blob.size))"
        }
        return ["\(ByteCount(moved)) of \(ByteCount(total)), \(blobs.count) moving"] + rows
    }
}

extension TransferEvent {
    /// The line to print for the event; nil if only the status line changes.
    fileprivate var text: String? {
        switch self {
        case .began, .moved: nil
        case .done(let blob, let outcome):
            "\(blob.digest.short)  \(ByteCount(blob.size))  \(Self.word(outcome))"
        case .retrying(let reason, let delay) where delay == .zero: "\(reason)"
        case .retrying(let reason, let delay): "\(reason); retrying in \(delay.text)"
        }
    }

    private static func word(_ outcome: BlobOrigin) -> String {
        switch outcome {
        case .moved: "done"
        case .present: "already exists"
        case .mounted: "mounted from another repository"
        }
    }

    fileprivate var json: JSON? {
        switch self {
        case .began(let blob):
            .object(["event": .string("began"), "digest": .string("\(blob.digest)"), "size": .integer(blob.size)])
        case .moved: nil
        case .done(let blob, let outcome):
            .object([
                "event": .string("done"), "digest": .string("\(blob.digest)"), "outcome": .string(outcome.rawValue),
            ])
        case .retrying(let reason, let delay):
            .object(["event": .string("retrying"), "reason": .string(reason), "afterMs": .number(delay.inMilliseconds)])
        }
    }
}
