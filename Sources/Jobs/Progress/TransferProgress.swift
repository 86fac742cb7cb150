internal import Linux
internal import OCI
public import Registry
internal import Synchronization

/// The progress of transfers: a line for each finished blob, and on a terminal a status line below them.
public final class TransferProgress: Sendable {
    private struct State {
        var sizes: [Digest: Int64] = [:]
        var moved: [Digest: Int64] = [:]
        var shown = ContinuousClock.now
        var isLive = false
    }

    private let style: ProgressStyle
    private let isLive: Bool
    private let host: any JobHost
    private let state = Mutex(State())

    /// Makes a progress that reports to `host`.
    public init(_ style: ProgressStyle, host: any JobHost) {
        self.style = style
        self.host = host
        isLive = style == .tty || (style == .auto && host.hasTerminal)
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
        state.withLock { state in
            switch event {
            case .began(let blob): state.sizes[blob.digest] = blob.size
            case .moved(let blob, let bytes): state.moved[blob.digest, default: 0] += Int64(bytes)
            case .done(let blob, _):
                state.sizes[blob.digest] = nil
                state.moved[blob.digest] = nil
            case .retrying: break
            }
            let text = event.text
            let isDue = state.shown.duration(to: .now) > .milliseconds(100)
            guard text != nil || (isLive && isDue) else { return }
            state.shown = .now
            let live = isLive ? Self.live(state) : ""
            host.redraw(text, live: live, replacesLine: state.isLive)
            state.isLive = !live.isEmpty
        }
    }

    private static func live(_ state: State) -> String {
        if state.sizes.isEmpty { return "" }
        let total = state.sizes.values.reduce(0, +)
        let moved = state.sizes.reduce(Int64(0)) { $0 + min($1.value, state.moved[$1.key] ?? 0) }
        return
            "\(state.sizes.count) blob\(state.sizes.count == 1 ? "" : "s"): \(ByteCount(moved)) of \(ByteCount(total))"
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

    private static func word(_ outcome: Outcome) -> String {
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
