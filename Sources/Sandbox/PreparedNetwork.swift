// Isolated networks prepared in advance: pasta needs 40 ms to connect one, ten times what the rest of a container
// needs.
//
// The next container reuses a network. Every process that was in it has ended, and their sockets with them; none of
// them could configure the network. The network of a privileged container is not reused.

internal import Glibc
internal import Linux
internal import Synchronization
internal import SystemPackage

extension Network {
    /// Starts making the isolated network of the next container with `users`, if none is ready.
    ///
    /// It ends with this process if no container takes it.
    public static func prepareIsolation(for users: Users) {
        PreparedNetwork.prepare(PrivateUsers.expected(for: users))
    }
}

/// An isolated network that is being made, or is ready for its first container.
final class PreparedNetwork: Sendable {
    private static let spare = Mutex<[Kind: PreparedNetwork]>([:])
    private static let idle = Mutex<[Kind: [IsolatedNetwork]]>([:])
    private let made = Mutex<Result<IsolatedNetwork, any Error>?>(nil)
    private let signal: Pipe

    /// The owner of a network's namespace: this process's user namespace or the containers' own.
    typealias Kind = ContainerUsers.Kind

    /// Takes a network that is ready, or makes one.
    static func take(_ users: ContainerUsers, reachesHost: Bool) throws -> IsolatedNetwork {
        // Only networks that don't reach the host are kept.
        guard !reachesHost else { return try PreparedNetwork(users, reachesHost: true).network() }
        while let network = idle.withLock({ $0[users.kind]?.popLast() }) { if !network.hasEnded { return network } }
        let prepared = spare.withLock { $0.removeValue(forKey: users.kind) }
        if let network = try prepared?.network(), !network.hasEnded { return network }
        return try PreparedNetwork(users, reachesHost: false).network()
    }

    /// Takes back the network of a container that has ended.
    static func keepForReuse(_ network: IsolatedNetwork) {
        idle.withLock { $0[network.kind, default: []].append(network) }
    }

    static func prepare(_ users: ContainerUsers) {
        guard Network.isIsolationAvailable, idle.withLock({ $0[users.kind, default: []].isEmpty }) else { return }
        spare.withLock { spare in
            // Without a spare the next container makes its own network, and reports the error.
            if spare[users.kind] == nil { spare[users.kind] = try? PreparedNetwork(users, reachesHost: false) }
        }
    }

    /// Starts a thread that makes the network and stays until it ends: pasta is killed when its thread ends.
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

    /// Waits until the network is made, and returns it.
    private func network() throws -> IsolatedNetwork {
        var wait = pollfd(fd: signal.end.rawValue, events: Int16(POLLIN), revents: 0)
        try system("wait for a network") { unsafe poll(&wait, 1, -1) }
        let result = made.withLock { $0.take() }
        guard let result else { throw SandboxError.network("another container took it") }
        return try result.get()
    }
}
