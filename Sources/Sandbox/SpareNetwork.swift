// Isolated networks made ahead: pasta needs 40 ms to connect one, which is ten times what else a container needs.

internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

extension Network {
    /// Begins to make what the first container with an isolated network needs, so that it need not wait.
    ///
    /// Every such container leaves the next one's network being made; the last one ends with this process.
    public static func prepareIsolation() {
        SpareNetwork.prepare()
    }
}

/// An isolated network that is being made, or waits for its container. Each container gets one that nobody had before.
final class SpareNetwork: Sendable {
    private static let spare = Mutex<SpareNetwork?>(nil)
    private let made = Mutex<Result<IsolatedNetwork, any Error>?>(nil)
    private let signal: Pipe

    /// Takes the spare network, and has another made.
    static func take(reachesHost: Bool) throws -> IsolatedNetwork {
        // Only the usual kind is made ahead.
        guard !reachesHost else { return try SpareNetwork(reachesHost: true).network() }
        defer { prepare() }
        if let network = try spare.withLock({ $0.take() })?.network(), !network.hasEnded { return network }
        return try SpareNetwork(reachesHost: false).network()
    }

    static func prepare() {
        guard Network.isIsolationAvailable else { return }
        // Without a spare the next container makes its own, and says why it can't.
        spare.withLock { spare in spare = spare ?? (try? SpareNetwork(reachesHost: false)) }
    }

    /// Starts a thread that makes the network and stays until it ends: pasta dies with who started it.
    private init(reachesHost: Bool) throws(SystemError) {
        signal = try Pipe()
        WorkerThread.start { [self] in
            let result = Result { try IsolatedNetwork(reachesHost: reachesHost) }
            let carrier = try? result.get().carrierDescriptor()
            made.withLock { $0 = result }
            // The pipe has room for one byte.
            try? signal.start.write([0])
            guard let number = carrier else { return }
            let descriptor = OwnedDescriptor(owning: number)
            var wait = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
            while unsafe poll(&wait, 1, -1) < 0, errno == EINTR {}
        }
    }

    /// Waits until it is made, and gives it away.
    private func network() throws -> IsolatedNetwork {
        var wait = pollfd(fd: signal.end.rawValue, events: Int16(POLLIN), revents: 0)
        try system("wait for a network") { unsafe poll(&wait, 1, -1) }
        let result = made.withLock { $0.take() }
        guard let result else { throw SandboxError.network("it was given away") }
        return try result.get()
    }
}
