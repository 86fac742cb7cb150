// Isolated networks kept ready: pasta needs 40 ms to connect one, which is ten times what else a container needs.
//
// A network outlives its container and serves the next one: every process that was in it has ended, and with them all
// that they had there, for none of them could configure it. That of a privileged container ends with it.

internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

extension Network {
    /// Begins to make the isolated network of the next container with `users`, if none is ready. It ends with this
    /// process if no container takes it.
    public static func prepareIsolation(for users: Users) {
        SpareNetwork.prepare(PrivateUsers.expected(for: users))
    }
}

/// An isolated network that is being made, or waits for its first container.
final class SpareNetwork: Sendable {
    private static let spare = Mutex<[Kind: SpareNetwork]>([:])
    private static let idle = Mutex<[Kind: [IsolatedNetwork]]>([:])
    private let made = Mutex<Result<IsolatedNetwork, any Error>?>(nil)
    private let signal: Pipe

    /// The owner of a network's namespace: this process's user namespace or the containers' own.
    typealias Kind = ContainerUsers.Kind

    /// Takes a network that is ready, or makes one.
    static func take(_ users: ContainerUsers, reachesHost: Bool) throws -> IsolatedNetwork {
        // Only the usual kind is kept.
        guard !reachesHost else { return try SpareNetwork(users, reachesHost: true).network() }
        while let network = idle.withLock({ $0[users.kind]?.popLast() }) { if !network.hasEnded { return network } }
        let prepared = spare.withLock { $0.removeValue(forKey: users.kind) }
        if let network = try prepared?.network(), !network.hasEnded { return network }
        return try SpareNetwork(users, reachesHost: false).network()
    }

    /// Takes back the network of a container that has ended.
    static func giveBack(_ network: IsolatedNetwork) { idle.withLock { $0[network.kind, default: []].append(network) } }

    static func prepare(_ users: ContainerUsers) {
        guard Network.isIsolationAvailable, idle.withLock({ $0[users.kind, default: []].isEmpty }) else { return }
        spare.withLock { spare in
            // Without a spare the next container makes its own, and reports why it can't.
            if spare[users.kind] == nil { spare[users.kind] = try? SpareNetwork(users, reachesHost: false) }
        }
    }

    /// Starts a thread that makes the network and stays until it ends: pasta dies with who started it.
    private init(_ users: ContainerUsers, reachesHost: Bool) throws(SystemError) {
        signal = try Pipe()
        WorkerThread.start { [self] in
            let result = Result { try IsolatedNetwork(users, reachesHost: reachesHost) }
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
