internal import Linux
internal import SystemPackage

/// A `--ssh`: the SSH agent that a command may ask to sign.
public struct Agent: Sendable, Hashable, Codable {
    /// The socket of the agent.
    public let socket: String

    /// The agent that listens at `socket`.
    public init(socket: String) { self.socket = socket }
}

/// A socket that a command may use in place of an agent's own: each connection is passed on to the agent, which may
/// belong to a user that the command's can't speak for.
final class AgentRelay: Sendable {
    private let listener: OwnedDescriptor
    private let agent: FilePath

    /// Listens in `directory` under `name`, for the given owner.
    init(to agent: Agent, in directory: Directory, as name: FilePath, _ owner: RunMount.Owner) throws(SystemError) {
        self.agent = FilePath(agent.socket)
        // Whether it is there is found out now, and told; later it would be the command's riddle.
        _ = try UnixSocket.connect(to: self.agent)
        listener = try UnixSocket.listen(in: directory, as: name)
        try directory.setOwner(of: name, uid: owner.uid, gid: owner.gid)
        try directory.setMode(of: name, owner.mode)
        start()
    }

    /// Takes no more.
    func stop() { UnixSocket.stopListening(listener) }

    /// Passes on whoever comes, on threads of their own.
    private func start() {
        WorkerThread.start { [self] in
            while let peer = UnixSocket.accept(listener) {
                let number = peer.release()
                WorkerThread.start { [agent] in
                    let peer = OwnedDescriptor(owning: number)
                    guard let upstream = try? UnixSocket.connect(to: agent) else { return }
                    UnixSocket.relay(peer, upstream)
                }
            }
        }
    }
}
