// The opened files of a mount, reported by fanotify (which requires root of the initial user namespace for whole
// mounts).
//
//     open() in the mount ──► event with a descriptor of the file ──► its path, read from /proc ──► recorded once

internal import CLinux
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// Records the files and directories of a mount that any process opens; the processes don't notice it.
///
/// It records until ``end()`` or until the last reference is released, on a thread of its own.
public final class FileObserver: Sendable {
    /// The opened files, in limited number.
    public struct OpenedPaths: Sendable {
        /// The paths as the mount's own root sees them, each once.
        public var paths: Set<[UInt8]> = []
        /// True if no opened file is missing.
        public var isComplete = true
        private var byteCount = 0

        /// An empty record.
        public init() {}

        /// Adds a path.
        public mutating func add(_ path: [UInt8]) {
            guard !paths.contains(path) else { return }
            guard paths.count < pathLimit, byteCount + path.count <= byteLimit else {
                isComplete = false
                return
            }
            byteCount += path.count
            paths.insert(path)
        }
    }

    private final class State: Sendable {
        let events: OwnedDescriptor
        let stop: OwnedDescriptor
        let openedPaths = Mutex(OpenedPaths())

        init(events: consuming OwnedDescriptor, stop: consuming OwnedDescriptor) {
            self.events = events
            self.stop = stop
        }
    }

    private static let pathLimit = 65_536
    private static let byteLimit = 16 << 20

    private let state: State
    /// The observing thread ends when this is closed.
    private let living: OwnedDescriptor

    /// Starts without any mount.
    ///
    /// - Throws: ``SystemError``, with EPERM unless the process is root of the initial user namespace.
    public init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        let events = OwnedDescriptor(owning: try system("follow files") { clinux_observe() })
        try system("make pipe") { unsafe clinux_pipe(&ends) }
        living = OwnedDescriptor(owning: ends[1])
        state = State(events: events, stop: OwnedDescriptor(owning: ends[0]))
        let state = state
        if !WorkerThread.startIfPossible({ Self.follow(state) }) {
            throw SystemError("start thread", nil, .resourceTemporarilyUnavailable)
        }
    }

    /// Observes a mount too; call it before the first file there is opened.
    public func follow(_ mount: borrowing Mount) throws(SystemError) {
        let descriptor = mount.descriptor.rawValue
        try system("follow files of mount") { clinux_observe_mount(state.events.rawValue, descriptor) }
    }

    /// Returns the files opened until now.
    public func end() -> OpenedPaths {
        Self.drain(state)
        return state.openedPaths.withLock { $0 }
    }

    private static func follow(_ state: State) {
        var watches = [state.events.rawValue, state.stop.rawValue].map {
            pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
        }
        while true {
            guard unsafe poll(&watches, 2, -1) >= 0 || errno == EINTR, watches[1].revents == 0 else { return }
            drain(state)
        }
    }

    private static func drain(_ state: State) {
        state.openedPaths.withLock { openedPaths in
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            // A limit, so that a process that always opens files doesn't block the caller forever.
            for _ in 0..<pathLimit {
                let length = unsafe clinux_next_opened(state.events.rawValue, &buffer, buffer.count)
                if length < 0 {
                    if errno == EAGAIN { return }
                    openedPaths.isComplete = false
                } else if length > 0 {
                    openedPaths.add(buffer.prefix(length).map(UInt8.init(bitPattern:)))
                }
            }
        }
    }
}
