// Debug events of the libraries: one line each, for a program that asks for them.
//
//     debug at=0.412 id=7f3a.2 event=request method=GET host=127.0.0.1:5000 path=/v2/app/manifests/1 status=200 ms=3.1

internal import Synchronization

/// Structured debug events, which cost a comparison if no program receives them.
///
/// An event never has a credential: callers pass methods, hosts, paths without queries, keys, counts and times.
public enum DebugLog {
    /// The value of a field.
    public typealias Field = (name: StaticString, value: String)

    /// The identifier of the current work, in each of its events: `COMMAND.STEP` for a build step.
    @TaskLocal public static var id = "-"

    private struct State {
        var receive: (@Sendable (String) -> Void)?
        var start = ContinuousClock.now
        var command = ""
        var stepCount = 0
    }

    private static let isOn = Atomic(false)
    private static let state = Mutex(State())

    /// True if events are received.
    public static var isEnabled: Bool { isOn.load(ordering: .relaxed) }

    /// Passes all further events to `receive`, one line each, from any thread.
    public static func start(receive: @escaping @Sendable (String) -> Void) {
        let command = String(UInt16.random(in: 0x1000 ... .max), radix: 16)
        state.withLock { $0 = State(receive: receive, command: command) }
        isOn.store(true, ordering: .relaxed)
    }

    /// Returns a new identifier for a step of this command.
    public static func nextID() -> String {
        guard isEnabled else { return id }
        return state.withLock { state in
            state.stepCount += 1
            return "\(state.command).\(state.stepCount)"
        }
    }

    /// Records an event; `fields` is only evaluated if events are received.
    public static func event(_ name: StaticString, _ fields: @autoclosure () -> [Field]) {
        guard isEnabled else { return }
        let all = fields().map { " \($0.name)=\(quoted($0.value))" }.joined()
        let id = id
        state.withLock { state in
            let at = (ContinuousClock.now - state.start).secondsText
            state.receive?("debug at=\(at) id=\(id == "-" ? state.command : id) event=\(name)\(all)")
        }
    }

    /// Returns a value that is one word: quoted if it has blanks, quotes or characters that a terminal doesn't show.
    static func quoted(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { (0x21..<0x7f).contains($0) && $0 != 0x22 && $0 != 0x5c }
        if isPlain, !value.isEmpty { return value }
        let escaped = value.visibleLine.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined()
        return "\"\(escaped)\""
    }
}

extension Duration {
    /// The duration in milliseconds with one digit after the point: `3.1`.
    public var millisecondsText: String { Self.text(in: self, unit: .milliseconds(1), digits: 10) }

    /// The duration in seconds with three digits after the point: `0.412`.
    fileprivate var secondsText: String { Self.text(in: self, unit: .seconds(1), digits: 1000) }

    private static func text(in duration: Duration, unit: Duration, digits: Int) -> String {
        let count = Int(duration / unit * Double(digits))
        let rest = String(count % digits)
        let width = String(digits).count - 1
        return "\(count / digits)." + String(repeating: "0", count: width - rest.count) + rest
    }
}
