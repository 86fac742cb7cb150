internal import Glibc
public import Jobs
internal import Linux
internal import Synchronization

// The live lines of the terminal, below everything that Terminal writes.

/// The regions of live lines and their place on the screen.
struct LiveState: Sendable {
    private var block = LiveLines()
    private var regions: [LiveRegion: @Sendable () -> [String]] = [:]
    private var phase: (name: String, began: ContinuousClock.Instant)?
    private var hasTicker = false

    /// Removes the lines from the screen.
    mutating func clear(writingTo descriptor: Int32) { replace(with: [], descriptor) }

    /// Draws the lines of all regions.
    mutating func draw(writingTo descriptor: Int32) {
        let rows = regions.sorted { $0.key < $1.key }.flatMap { $0.value() }
        replace(with: (phaseLine.map { [$0] } ?? []) + rows.map(\.visibleLine), descriptor)
    }

    /// Sets or ends a region; returns true if the first one needs a thread that draws.
    mutating func set(_ region: LiveRegion, _ lines: (@Sendable () -> [String])?) -> Bool {
        regions[region] = lines
        return startsTicker()
    }

    /// Ends the phase with a line that stays, and begins another one; returns true if a thread must draw it.
    mutating func begin(_ name: String, writingTo descriptor: Int32) -> Bool {
        endPhase(writingTo: descriptor)
        phase = (name, .now)
        return startsTicker()
    }

    /// Ends the phase with a line that stays.
    mutating func endPhase(writingTo descriptor: Int32) {
        guard let line = phaseLine else { return }
        clear(writingTo: descriptor)
        Terminal.writeAll(Array((line + "\n").utf8), to: descriptor)
        phase = nil
    }

    /// Ends everything.
    mutating func end(writingTo descriptor: Int32) {
        endPhase(writingTo: descriptor)
        regions = [:]
        clear(writingTo: descriptor)
    }

    private var phaseLine: String? {
        phase.map { "\($0.name.visibleLine)  \($0.began.duration(to: .now).wholeSeconds)" }
    }

    private mutating func startsTicker() -> Bool {
        defer { hasTicker = true }
        return !hasTicker
    }

    private mutating func replace(with lines: [String], _ descriptor: Int32) {
        let text = block.replace(with: lines, columns: terminalColumns(of: descriptor) ?? 80)
        if !text.isEmpty { Terminal.writeAll(Array(text.utf8), to: descriptor) }
    }
}

extension Terminal {
    /// The time between two drawings.
    private static let period: useconds_t = 200_000

    /// Begins a phase, whose name and time are the first live line.
    public static func begin(_ phase: String) { update { $0.begin(phase, writingTo: errors) } }

    /// Sets or ends a region of live lines.
    public static func show(_ region: LiveRegion, _ lines: (@Sendable () -> [String])?) {
        update { $0.set(region, lines) }
    }

    /// Removes all live lines; the last phase stays as a line.
    public static func endLive() { live.withLock { $0.end(writingTo: errors) } }

    private static func update(_ change: (inout LiveState) -> Bool) {
        let needsTicker = live.withLock { live in
            let needsTicker = change(&live)
            live.draw(writingTo: errors)
            return needsTicker
        }
        // Times pass without an event, so a thread draws them again until the process ends.
        if needsTicker {
            WorkerThread.start {
                while true {
                    usleep(period)
                    live.withLock { $0.draw(writingTo: errors) }
                }
            }
        }
    }
}
