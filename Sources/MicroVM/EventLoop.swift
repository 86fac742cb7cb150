// One thread that waits for all descriptors of a machine's devices.

internal import CKVM
internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

/// The events for which a descriptor is watched.
struct Interest: OptionSet {
    let rawValue: UInt32

    /// Data can be read, or the end was reached.
    static let read = Interest(rawValue: UInt32(ckvm_event_read))
    /// Data can be written.
    static let write = Interest(rawValue: UInt32(ckvm_event_write))
    /// The other end was closed, or an error occurred; reported with every other interest too.
    static let hangup = Interest(rawValue: UInt32(ckvm_event_hangup | ckvm_event_error))
}

/// Waits for descriptors and calls their handlers, on the thread that runs it.
///
/// Events are level-triggered: a handler is called as long as its reason lasts. Descriptors may be added, changed and
/// removed on any thread. A handler that is running may end after its removal.
final class EventLoop: @unchecked Sendable {
    // Sendable because all mutable state is behind `state`, and epoll is safe to use from several threads.

    typealias Handler = @Sendable (Interest) -> Void

    private struct Watch {
        let token: UInt64
        let handler: Handler
        var interest: Interest
    }

    private struct State {
        var nextToken: UInt64 = 1
        var watches: [Int32: Watch] = [:]
        var descriptors: [UInt64: Int32] = [:]
        var isStopped = false
    }

    private let epoll: OwnedDescriptor
    private let wakeUp: OwnedDescriptor
    private let state = Mutex(State())

    init() throws(MachineError) {
        epoll = try OwnedDescriptor(made: ckvm_epoll(), "make an event loop")
        wakeUp = try OwnedDescriptor(made: ckvm_eventfd(), "make an event loop")
        // Token 0 is ours.
        guard ckvm_epoll_add(epoll.rawValue, wakeUp.rawValue, Interest.read.rawValue, 0) == 0 else {
            throw .host(last: "make an event loop")
        }
    }

    /// Calls handlers until ``stop()``; a stopped loop doesn't start again.
    func run() {
        while !state.withLock({ $0.isStopped }) { turn(milliseconds: -1) }
    }

    /// Makes ``run()`` return soon; may be called on any thread.
    func stop() {
        state.withLock { $0.isStopped = true }
        ckvm_eventfd_signal(wakeUp.rawValue)
    }

    /// Waits once, and calls the handlers of all events.
    ///
    /// - Returns: true if there were any.
    @discardableResult
    func turn(milliseconds: Int32) -> Bool {
        unsafe withUnsafeTemporaryAllocation(of: ckvm_event.self, capacity: Int(ckvm_event_batch)) { events in
            guard let base = events.baseAddress else { return false }
            let count = unsafe ckvm_epoll_wait(epoll.rawValue, base, milliseconds)
            guard count > 0 else { return false }
            for index in 0..<Int(count) {
                unsafe dispatch(events[index].token, Interest(rawValue: events[index].events))
            }
            return true
        }
    }

    private func dispatch(_ token: UInt64, _ what: Interest) {
        guard token != 0 else { return ckvm_eventfd_clear(wakeUp.rawValue) }
        // A token is never used twice, so an event of a removed descriptor finds no handler.
        let handler = state.withLock { state in
            state.descriptors[token].flatMap { state.watches[$0] }?.handler
        }
        handler?(what)
    }

    /// Watches a descriptor that is not watched yet; without an interest it waits for ``change(_:_:)``.
    func add(_ descriptor: Int32, for interest: Interest, _ handler: @escaping Handler) throws(MachineError) {
        let added = state.withLock { state in
            let token = state.nextToken
            guard state.watches[descriptor] == nil, enlist(descriptor, for: interest, token: token) else {
                return false
            }
            state.nextToken += 1
            state.watches[descriptor] = Watch(token: token, handler: handler, interest: interest)
            state.descriptors[token] = descriptor
            return true
        }
        guard added else { throw .host(last: "watch a descriptor") }
    }

    private func enlist(_ descriptor: Int32, for interest: Interest, token: UInt64) -> Bool {
        interest.isEmpty || ckvm_epoll_add(epoll.rawValue, descriptor, interest.rawValue, token) == 0
    }

    /// Changes the watched events.
    ///
    /// The kernel always reports a hangup. A descriptor without any interest is therefore removed from epoll.
    func change(_ descriptor: Int32, _ interest: Interest) {
        state.withLock { state in
            guard let watch = state.watches[descriptor], watch.interest != interest else { return }
            if interest.isEmpty {
                _ = ckvm_epoll_remove(epoll.rawValue, descriptor)
            } else if watch.interest.isEmpty {
                _ = enlist(descriptor, for: interest, token: watch.token)
            } else {
                _ = ckvm_epoll_change(epoll.rawValue, descriptor, interest.rawValue, watch.token)
            }
            state.watches[descriptor]?.interest = interest
        }
    }

    /// Stops watching a descriptor; it must not have been closed yet.
    func remove(_ descriptor: Int32) {
        state.withLock { state in
            guard let watch = state.watches.removeValue(forKey: descriptor) else { return }
            state.descriptors[watch.token] = nil
            if !watch.interest.isEmpty { _ = ckvm_epoll_remove(epoll.rawValue, descriptor) }
        }
    }
}

extension OwnedDescriptor {
    /// Owns the new descriptor of a system call; fails if the call failed.
    init(made number: Int32, _ operation: String) throws(MachineError) {
        guard number >= 0 else { throw .host(last: operation) }
        self.init(owning: number)
    }
}

extension MachineError {
    /// The error of this thread's last system call.
    static func host(last operation: String) -> MachineError {
        .host(operation, nil, Errno(rawValue: errno))
    }
}
